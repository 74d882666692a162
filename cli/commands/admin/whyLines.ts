import { formatCredits } from '../../../contracts/money.ts';
import type { AdminGeneration, Why } from '../../adminObjects.ts';
import type { Transaction } from '../../objects.ts';
import { oneLine } from '../../output/clean.ts';
import type { Paint } from '../../output/output.ts';
import { cut, fields, table } from '../../output/table.ts';
import { isoMoment, moment } from '../../output/time.ts';

/** One generation on one screen: what it came to, its steps, its entries in the ledger, and where to look further. */
export function whyLines(
  { generation, timeline, transactions, account }: Why,
  paint: Paint,
  columns: number,
): string[] {
  const { status, error, credits } = generation;
  const state = `${generation.id} ${status.replace('_', ' ')}${error === null ? '' : ` · ${error.code.toUpperCase()}`}`;
  const heading = (text: string) => ['', paint('bold', text)];
  const steps = timeline.data.map(({ at, message, data }) => {
    const details = Object.keys(data).length === 0 ? '' : `  ${paint('dim', oneLine(JSON.stringify(data)))}`;
    return `${paint('dim', isoMoment(at))}  ${oneLine(message)}${details}`;
  });
  return [
    paint(status === 'failed' ? 'red' : 'bold', oneLine(state)),
    oneLine(credits.message),
    ...heading('Steps'),
    ...steps,
    ...heading('Ledger'),
    ...ledgerLines(transactions.data, columns),
    ...heading('Provider'),
    ...providerLines(generation),
    ...heading('Workflow and account'),
    ...fields([
      ['workflow', generation.workflow_url ?? generation.workflow_id],
      ['account', `${account.id} ${account.name}${account.frozen_at === null ? '' : ', frozen'}`],
      [
        'available',
        `${formatCredits(account.available_microcredits)}, ${formatCredits(account.held_microcredits)} held`,
      ],
      ['API key', generation.api_key_id],
      ['requested', moment(generation.created_at)],
      ['hold ends', credits.state === 'held' ? moment(credits.hold_expires_at) : null],
      ['deleted', moment(generation.deleted_at)],
    ]).map((line) => cut(line, columns)),
  ];
}

function ledgerLines(transactions: readonly Transaction[], columns: number): string[] {
  if (transactions.length === 0) return ['No entry: nothing was ever held.'];
  const rows = transactions.map((each) => [
    ...[
      moment(each.created_at),
      each.id,
      each.kind,
      each.available_change,
      each.held_change,
      each.charged,
      each.reason,
    ],
  ]);
  return table(['time', 'transaction', 'movement', 'available', 'held', 'charged', 'reason'], rows, columns);
}

function providerLines(generation: AdminGeneration): string[] {
  const { provider_error: error, provider_id_contested_at: contested } = generation;
  return fields([
    ['provider', generation.provider ?? 'none was asked'],
    ['its id', generation.provider_video_id],
    ['its status', generation.provider_status],
    ['its error', error === null ? null : `${error.code ?? ''} ${error.message ?? ''}`],
    ['settled for', generation.settlement_reason],
    ['contested', contested === null ? null : moment(contested)],
  ]);
}
