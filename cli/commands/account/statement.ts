import type { AddCommand, Cli } from '../../command.ts';
import { formatCredits } from '../../../contracts/money.ts';
import type { Statement } from '../../objects.ts';
import { table } from '../../output/table.ts';
import { moment } from '../../output/time.ts';
import { afterOption, limitOption, unixTime } from '../options.ts';
import { printCsv } from './csv.ts';

interface Options {
  readonly csv?: boolean;
  readonly generation?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit: string;
  readonly after?: string;
}

const PATH = '/v1/credits/transactions';

export const addStatement: AddCommand = (parent, acting) => {
  parent
    .command('statement')
    .description('every movement of your credits, the newest first, and what all of them come to')
    .option('--csv', 'all that match, as CSV, the oldest first')
    .option('--generation <id>', 'only those for this video, script or thread')
    .option('--since <time>', 'from this time on, like 2026-12-01 or 2026-12-01T08:30Z', unixTime)
    .option('--until <time>', 'up to this time', unixTime)
    .addOption(limitOption())
    .addOption(afterOption())
    .action(acting((cli, options: Options) => state(cli, options)));
};

async function state({ api, output }: Cli, options: Options): Promise<undefined> {
  const { csv = false, generation, since, until, limit, after } = options;
  const filter = { generation_id: generation, created_after: since, created_before: until };
  if (csv) return printCsv(api, output, PATH, filter);
  const page = await api.get<Statement>(PATH, { ...filter, limit, after });
  output.print(page, (shown) => statementLines(shown, output.columns));
  return undefined;
}

function statementLines({ data, totals, has_more: hasMore, last_id: last }: Statement, columns: number): string[] {
  const rows = data.map((each) => [
    ...[moment(each.created_at), each.kind.replace('_', ' '), each.available_change, each.held_change],
    ...[each.available, each.generation_id ?? '', each.reason],
  ]);
  const headings = ['time', 'movement', 'available', 'held', 'balance', 'for', 'reason'];
  return [
    ...(rows.length === 0 ? ['No movements.'] : table(headings, rows, columns)),
    ...(hasMore ? [`More: --after ${last ?? ''}`] : []),
    `In all: ${formatCredits(totals.granted_microcredits)} granted, ${formatCredits(totals.charged_microcredits)} charged, ${formatCredits(totals.refunded_microcredits)} refunded, ${formatCredits(totals.clawed_back_microcredits)} taken back.`,
  ];
}
