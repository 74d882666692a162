import type { AddCommand } from '../../command.ts';
import type { Video } from '../../objects.ts';
import { outcomeLines } from '../../video/videoWords.ts';
import { videoPath } from '../ids.ts';

export const addCancel: AddCommand = (parent, acting) => {
  parent
    .command('cancel')
    .description('ask that a video is stopped: its credits come back if nothing was made yet')
    .argument('<video>', 'its id')
    .action(
      acting(async ({ api, output }, id: string) => {
        const path = `${videoPath(id)}/cancel`;
        output.print(await api.ask<Video>({ method: 'POST', path }), outcomeLines);
        output.say(`Next: holdfast watch ${id}`);
        return undefined;
      }),
    );
};
