import type { AddCommand } from '../../command.ts';
import type { Video, WrittenText } from '../../objects.ts';
import { textLines } from '../../texts/textWords.ts';
import { videoLines } from '../../video/videoWords.ts';
import { pathOf } from '../ids.ts';

export const addShow: AddCommand = (parent, acting) => {
  parent
    .command('show')
    .description('a video, script or thread, and what became of its credits')
    .argument('<id>', 'its id')
    .action(
      acting(async ({ api, output }, id: string) => {
        output.print(await api.get<Video | WrittenText>(pathOf(id)), (shown, paint) =>
          shown.object === 'video' ? videoLines(shown, paint) : textLines(shown, paint),
        );
        return undefined;
      }),
    );
};
