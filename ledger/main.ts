import { parseArgs } from 'node:util';
import { loadToolConfig } from '../config.ts';
import { readEnvFile } from '../platform/envFile.ts';
import type { Statement } from './index.ts';
import type { Database } from '../store/index.ts';
import { createLedger, toStatementCsv, verifyLedger } from './index.ts';
import { connectionFault, createPool, LedgerError, openDatabase } from '../store/index.ts';

/**
 * For auditors, on the database of `DATABASE_URL`; nothing is changed:
 *
 *   npm run ledger:verify
 *   npm run ledger:statement -- <account> --from 2026-11-01 --to 2026-12-01 [--csv]
 *
 * Exits with 0 when all is right, 1 when the ledger differs or there is no such account, 2 for wrong use, and 3 when the
 * database could not be read.
 */

const USAGE = 'npm run ledger:statement -- <account id> --from <date> --to <date, not included> [--csv]\n';

const HELP = `${USAGE}
Prints the movements of an account's credits between two dates, with the balances before and after and the totals: as JSON,
or with --csv as a table. It fails unless opening + movements = closing. The columns of the CSV:

  created_at, id              when the movement was recorded, and its number
  kind                        grant, claw_back, hold, capture, release or refund; opening and closing for the balances at
                              the two dates; total_granted, total_clawed_back, total_charged and total_refunded
  generation_id               the video, script or thread that it is about
  reason                      of a release, the error code that the customer sees; of a grant, a claw-back or a refund,
                              what the operator wrote; behind an apostrophe where a spreadsheet would run it as a formula
  available_change, held_change   what it moved, in credits
  available, held             the balances after it, in credits
  charged                     what it charged, below zero for a refund: the sum is what was paid
  user, metadata              what the client gave with the generation, the latter as JSON
  total                       of the rows total_*, in credits
  *_microcredits              the same amounts in microcredits: 1 credit = 1,000,000 microcredits
`;

async function verify(db: Database): Promise<number> {
  const { transactions, accounts, difference } = await verifyLedger(db, (name) =>
    process.stdout.write(`checking that ${name} …\n`),
  );
  if (difference === null) {
    process.stdout.write(
      `The ledger is right: ${transactions} journal transactions of ${accounts} ${accounts === 1 ? 'account' : 'accounts'}.\n`,
    );
    return 0;
  }
  const { accountId, what, kept, recomputed } = difference;
  process.stdout.write(
    `The ledger differs: ${what}${accountId === null ? '' : ` (account ${accountId})`} is kept as ${kept}, the journal says ${recomputed}.\n`,
  );
  return 1;
}

async function statement(db: Database, args: string[]): Promise<number> {
  const options = { from: { type: 'string' }, to: { type: 'string' }, csv: { type: 'boolean' } } as const;
  const { values = {}, positionals = [] } = parsed(() => parseArgs({ args, options, allowPositionals: true })) ?? {};
  const [from, to] = [new Date(values.from ?? ''), new Date(values.to ?? '')];
  const [account] = positionals;
  // Written so that an invalid date (NaN) is refused too.
  if (account === undefined || !(from <= to)) {
    process.stderr.write(USAGE);
    return 2;
  }
  const stated = await createLedger(db).getStatement(account, from, to).catch(refused);
  if (stated === undefined) return 1;
  process.stdout.write(values.csv === true ? toStatementCsv(stated, from, to) : toJson(account, stated, from, to));
  return 0;
}

/** Undefined for an option that does not exist, or that lacks its value. */
function parsed<Parsed>(parse: () => Parsed): Parsed | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}

/** Undefined for errors of the ledger itself, which are printed in one line. */
function refused(error: unknown): undefined {
  if (!(error instanceof LedgerError)) throw error;
  process.stderr.write(`No statement: ${error.message}.\n`);
}

function toJson(account: string, stated: Statement, from: Date, to: Date): string {
  return `${JSON.stringify({ account, from, to, ...stated }, null, 2)}\n`;
}

/** One line when the database can't be read. Raises every other error again. */
function unreadable(error: unknown, databaseUrl: string): number {
  const fault = connectionFault(error, 'DATABASE_URL', databaseUrl);
  if (fault === undefined) throw error;
  process.stderr.write(`Nothing was checked. ${fault.why}\n`);
  return 3;
}

async function run(command: string | undefined, args: string[]): Promise<number> {
  readEnvFile();
  const { databaseUrl } = loadToolConfig();
  const pool = createPool({
    databaseUrl,
    size: 3,
    applicationName: 'holdfast ledger',
    // An audit reads everything.
    statementTimeoutMs: 3_600_000,
    onError: () => undefined,
  });
  const db = openDatabase(pool);
  try {
    await pool.query('SELECT FROM schema_migrations LIMIT 1');
    return await (command === 'statement' ? statement(db, args) : verify(db));
  } catch (error) {
    return unreadable(error, databaseUrl);
  } finally {
    await pool.end();
  }
}

const [command, ...args] = process.argv.slice(2);
if (command === 'statement' && args.includes('--help')) process.stdout.write(HELP);
else process.exitCode = await run(command, args);
