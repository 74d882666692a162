import { rename, stat, readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { formatCredits } from '../../../../contracts/money.ts';
import type { AddCommand, Cli } from '../../../command.ts';
import { EXIT, Failure, reasonOf, wrongUse } from '../../../failure.ts';
import { findAccounts, grantBalance, importedTo, makeAccount } from './accounts.ts';
import { type Balance, readBalances, sumOf } from './balances.ts';
import { lineOf } from './cells.ts';
import { forEachOf } from './forEachOf.ts';
import { type ImportReport, reportLines } from './report.ts';

interface Options {
  readonly accounts?: string;
  readonly dryRun?: boolean;
}

const MOST_BYTES = 20_000_000;

export const addImport: AddCommand = (parent, acting) => {
  parent
    .command('import')
    .description(
      'open an account with its balance for each row of a CSV file, and check them; a repeat grants nothing twice',
    )
    .argument('<file>', 'with the columns user_id and balance (credits) or balance_microcredits')
    .option('--accounts <file>', 'where to write the account of each user, else FILE.accounts.csv')
    .option('--dry-run', 'only read the file and say what would be done')
    .action(acting((cli, file: string, options: Options) => importBalances(cli, file, options)));
};

async function importBalances(cli: Cli, file: string, { dryRun = false, accounts }: Options): Promise<number> {
  const mapFile = accounts ?? `${file}.accounts.csv`;
  if (resolve(cli.world.folder, mapFile) === resolve(cli.world.folder, file)) {
    throw wrongUse('--accounts must be another file than that of the balances.');
  }
  const balances = readBalances(await readText(file));
  cli.world.whenStopped = () => 'Stopped. Repeat the command to go on: nothing is granted twice.';
  const found = await findAccounts(cli.api, balances);
  const report = dryRun ? undefined : await carryOut(cli, balances, found, mapFile);
  const { differences = [], imported = 0 } = report ?? {};
  const shown: ImportReport = {
    ...{ object: 'balance_import', dry_run: dryRun, rows: balances.length, accounts_found: found.size },
    ...{ accounts_made: balances.length - found.size, balance_microcredits: sumOf(balances) },
    ...{ imported_microcredits: imported, accounts_file: dryRun ? null : mapFile, differences },
  };
  cli.output.print(shown, reportLines);
  return differences.length === 0 ? EXIT.done : EXIT.refused;
}

/** Makes what is missing, reads all of it back, and writes down whose account is which. */
async function carryOut(
  { api }: Cli,
  balances: readonly Balance[],
  found: ReadonlyMap<string, string>,
  mapFile: string,
) {
  const ids = new Map(found);
  await forEachOf(balances, async (balance) => {
    const id = ids.get(balance.userId) ?? (await makeAccount(api, balance));
    ids.set(balance.userId, id);
    await grantBalance(api, id, balance);
  });
  const differences: ImportReport['differences'][number][] = [];
  let imported = 0;
  await forEachOf(balances, async ({ userId, line, microcredits }) => {
    const account = ids.get(userId) ?? '';
    const there = await importedTo(api, account);
    imported += there;
    if (there === microcredits) return;
    differences.push({ line, account_id: account, balance_microcredits: microcredits, imported_microcredits: there });
  });
  const rows = balances.map(({ userId, microcredits }) => [userId, ids.get(userId) ?? '', formatCredits(microcredits)]);
  await writeWhole(mapFile, [['user_id', 'account_id', 'balance'], ...rows].map((row) => `${lineOf(row)}\n`).join(''));
  return { differences: differences.sort((a, b) => a.line - b.line), imported };
}

async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > MOST_BYTES)
      throw wrongUse(`${file} is larger than ${MOST_BYTES / 1_000_000} MB; split it. Nothing was imported.`);
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw wrongUse(`${file} can’t be read: ${reasonOf(error)}.`);
  }
}

async function writeWhole(file: string, text: string): Promise<void> {
  try {
    await writeFile(`${file}.part`, text, { mode: 0o600 });
    await rename(`${file}.part`, file);
  } catch (error) {
    const why = `${file} could not be written: ${reasonOf(error)}.`;
    throw new Failure(`The balances are imported, but ${why} Repeat the command: nothing is granted twice.`);
  }
}
