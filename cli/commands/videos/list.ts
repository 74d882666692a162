import type { AddCommand } from '../../command.ts';
import type { Page, Video } from '../../objects.ts';
import { table } from '../../output/table.ts';
import { moment } from '../../output/time.ts';
import { afterOption, limitOption, metadataQuery, pair } from '../options.ts';

interface Options {
  readonly limit: string;
  readonly after?: string;
  readonly user?: string;
  readonly metadata?: Record<string, string>;
}

export const addList: AddCommand = (parent, acting) => {
  parent
    .command('list')
    .description('your videos, the newest first')
    .addOption(limitOption())
    .addOption(afterOption())
    .option('--user <id>', 'only those of this user of yours')
    .option('--metadata <name=value>', 'only those with this pair, may be repeated', pair)
    .action(
      acting(async ({ api, output }, { limit, after, user, metadata }: Options) => {
        const page = await api.get<Page<Video>>('/v1/videos', { limit, after, user, ...metadataQuery(metadata) });
        output.print(page, (shown) => lines(shown, output.columns));
        return undefined;
      }),
    );
};

function lines({ data, has_more: hasMore, last_id: last }: Page<Video>, columns: number): string[] {
  if (data.length === 0) return ['No videos.'];
  const rows = data.map(({ id, status, credits, created_at: created, prompt }) => [
    ...[id, status.replace('_', ' '), `${credits.amount} ${credits.state}`, moment(created), prompt],
  ]);
  const headings = ['video', 'status', 'credits', 'created', 'prompt'];
  return [...table(headings, rows, columns), ...(hasMore ? [`More: --after ${last ?? ''}`] : [])];
}
