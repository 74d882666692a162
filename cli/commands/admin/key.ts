import { formatCredits } from '../../../contracts/money.ts';
import type { ApiKey, KeyAndSpending } from '../../adminObjects.ts';
import type { AddCommand } from '../../command.ts';
import type { Page } from '../../objects.ts';
import { table } from '../../output/table.ts';
import { moment } from '../../output/time.ts';
import { afterOption, limitOption } from '../options.ts';
import { accountPath, keyPath } from './ids.ts';
import { addCreateKey, addRotateKey } from './newKey.ts';

export const addKey: AddCommand = (parent, acting) => {
  const group = parent.command('key').description('API keys of an account, their scopes and limits');
  for (const add of [addList, addCreateKey, addRotateKey, addRevoke]) add(group, acting);
};

interface ListOptions {
  readonly limit: string;
  readonly after?: string;
}

const addList: AddCommand = (parent, acting) => {
  parent
    .command('list')
    .description('the keys of an account, the oldest first, without the keys themselves')
    .argument('<account>', 'its id')
    .addOption(limitOption())
    .addOption(afterOption())
    .action(
      acting(async ({ api, output }, account: string, { limit, after }: ListOptions) => {
        const page = await api.get<Page<KeyAndSpending>>(`${accountPath(account)}/keys`, { limit, after });
        output.print(page, (shown) => keysTable(shown, output.columns));
        return undefined;
      }),
    );
};

function keysTable({ data, has_more: hasMore, last_id: last }: Page<KeyAndSpending>, columns: number): string[] {
  if (data.length === 0) return ['No keys.'];
  const limit = (microcredits: number | null) => (microcredits === null ? '' : formatCredits(microcredits));
  const rows = data.map((key) => [
    ...[key.id, stateOf(key), formatCredits(key.held_microcredits), limit(key.daily_limit_microcredits)],
    ...[limit(key.monthly_limit_microcredits), moment(key.created_at), key.name],
  ]);
  const headings = ['key', 'state', 'held', 'a day', 'a month', 'created', 'name'];
  return [...table(headings, rows, columns), ...(hasMore ? [`More: --after ${last ?? ''}`] : [])];
}

function stateOf({ revoked_at: revoked, expires_at: expires }: ApiKey): string {
  if (revoked !== null) return 'revoked';
  if (expires === null) return 'valid';
  return expires * 1000 < Date.now() ? 'expired' : `valid until ${moment(expires) ?? ''}`;
}

const addRevoke: AddCommand = (parent, acting) => {
  parent
    .command('revoke')
    .description('end a key at once and for good')
    .argument('<account>', 'the id of its account')
    .argument('<key>', 'its id, never the key itself')
    .action(
      acting(async ({ api, output }, account: string, key: string) => {
        const path = keyPath(account, key);
        output.print(await api.ask<{ id: string }>({ method: 'DELETE', path }), ({ id }) => [`Revoked ${id}.`]);
        return undefined;
      }),
    );
};
