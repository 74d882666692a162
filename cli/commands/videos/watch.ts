import type { AddCommand } from '../../command.ts';
import type { Video } from '../../objects.ts';
import { checkTarget } from '../../video/target.ts';
import { waitFor } from '../../video/waitFor.ts';
import { videoPath } from '../ids.ts';

interface Options {
  readonly out?: string;
  readonly force?: boolean;
}

export const addWatch: AddCommand = (parent, acting) => {
  parent
    .command('watch')
    .description('wait for a video, also one that was begun elsewhere, and download it')
    .argument('<video>', 'its id')
    .option('--out <file>', 'download the video to this file')
    .option('--force', 'replace the file of --out if it exists')
    .action(
      acting(async (cli, id: string, { out, force = false }: Options) => {
        const path = videoPath(id);
        const target = out === undefined ? undefined : await checkTarget(out, force);
        return waitFor(cli, await cli.api.get<Video>(path), target);
      }),
    );
};
