import { formatCredits } from '../../../contracts/money.ts';
import type { Account, AccountDetails, AccountPage } from '../../adminObjects.ts';
import type { AddCommand } from '../../command.ts';
import { fields, table } from '../../output/table.ts';
import { moment } from '../../output/time.ts';
import { afterOption, limitOption } from '../options.ts';
import { addFreeze } from './freeze.ts';
import { accountPath } from './ids.ts';

export const addAccount: AddCommand = (parent, acting) => {
  const group = parent.command('account').description('customers, their balances, and whether they are frozen');
  for (const add of [addList, addShow, addCreate, addFreeze]) add(group, acting);
};

interface ListOptions {
  readonly name?: string;
  readonly limit: string;
  readonly after?: string;
}

const addList: AddCommand = (parent, acting) => {
  parent
    .command('list')
    .description('the accounts and their balances, the oldest first')
    .option('--name <text>', 'only those whose name has this in it')
    .addOption(limitOption())
    .addOption(afterOption())
    .action(
      acting(async ({ api, output }, { name, limit, after }: ListOptions) => {
        const page = await api.get<AccountPage>('/admin/accounts', { name, limit, after });
        output.print(page, (shown) => accountsTable(shown, output.columns));
        return undefined;
      }),
    );
};

function accountsTable({ data, has_more: hasMore, last_id: last }: AccountPage, columns: number): string[] {
  if (data.length === 0) return ['No accounts.'];
  const rows = data.map((account) => [
    ...[account.id, formatCredits(account.available_microcredits), formatCredits(account.held_microcredits)],
    ...[account.active_generations, account.frozen_at === null ? '' : 'frozen', account.name],
  ]);
  const headings = ['account', 'available', 'held', 'active', '', 'name'];
  return [...table(headings, rows, columns), ...(hasMore ? [`More: --after ${last ?? ''}`] : [])];
}

const addShow: AddCommand = (parent, acting) => {
  parent
    .command('show')
    .description('an account: balances, why it is frozen, its last generation, what failed in 24 hours')
    .argument('<account>', 'its id')
    .action(
      acting(async ({ api, output }, id: string) => {
        output.print(await api.get<AccountDetails>(accountPath(id)), accountLines);
        return undefined;
      }),
    );
};

function accountLines(account: AccountDetails): string[] {
  const { last_generation: last, failures, totals } = account;
  return fields([
    ['account', `${account.id} ${account.name}`],
    ['available', `${formatCredits(account.available_microcredits)} credits`],
    ['held', `${formatCredits(account.held_microcredits)} credits`],
    ['charged in all', `${formatCredits(totals.charged_microcredits)} credits`],
    ['refunded in all', `${formatCredits(totals.refunded_microcredits)} credits`],
    ['active', `${account.active_generations} of at most ${account.max_active_generations} generations`],
    [
      'frozen',
      account.frozen_at === null ? null : `${moment(account.frozen_at) ?? ''}: ${account.frozen_reason ?? ''}`,
    ],
    ['valid keys', account.valid_api_keys],
    ['last generation', last === null ? null : `${last.id} ${last.state} ${last.error_code ?? ''}`],
    ['failed in 24 h', failures.map(({ code, generations }) => `${generations} × ${code}`).join(', ')],
  ]);
}

const addCreate: AddCommand = (parent, acting) => {
  parent
    .command('create')
    .description('make an account without credits')
    .argument('<name>', 'its name')
    .action(
      acting(async ({ api, output }, name: string) => {
        const account = await api.ask<Account>({ method: 'POST', path: '/admin/accounts', body: { name } });
        output.print(account, ({ id }) => [
          `Made ${id}.`,
          `Next: holdfast grant ${id} 10 --reason "first credits"; holdfast key create ${id} first --key-file FILE`,
        ]);
        return undefined;
      }),
    );
};
