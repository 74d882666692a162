import type { AddCommand } from '../../command.ts';
import type { Timeline } from '../../objects.ts';
import { oneLine } from '../../output/clean.ts';
import type { Paint } from '../../output/output.ts';
import { isoMoment } from '../../output/time.ts';
import { pathOf } from '../ids.ts';

export const addTimeline: AddCommand = (parent, acting) => {
  parent
    .command('timeline')
    .description('every step of a video, script or thread in words: why was I charged?')
    .argument('<id>', 'its id')
    .action(
      acting(async ({ api, output }, id: string) => {
        output.print(await api.get<Timeline>(`${pathOf(id)}/timeline`), timelineLines);
        return undefined;
      }),
    );
};

function timelineLines({ data }: Timeline, paint: Paint): string[] {
  return data.map(({ at, message }) => `${paint('dim', isoMoment(at))}  ${oneLine(message)}`);
}
