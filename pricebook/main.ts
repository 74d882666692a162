import { readFileSync, statSync } from 'node:fs';
import { loadToolConfig } from '../config.ts';
import { readEnvFile } from '../platform/envFile.ts';
import { connectionFault, createPool, LedgerError, openDatabase } from '../store/index.ts';
import { type PriceFile, readPriceFile } from './file.ts';
import { applyFile, type Change, tryFile } from './plan.ts';

/**
 * The price book by one reviewed file, on the database of `DATABASE_URL`:
 *
 *   npm run prices -- plan prices.yaml     says what would change, and changes nothing
 *   npm run prices -- apply prices.yaml    changes it, in one transaction
 *
 * What the file leaves out is kept, and told; with `--prune` it is withdrawn.
 *
 * Exits with 0 when all is right, 1 when the database refuses it, 2 for a file with faults or wrong use, and 3 when the
 * database could not be reached.
 */

const USAGE = 'npm run prices -- plan|apply <file> [--prune]\n';
const MAXIMUM_BYTES = 4 * 1024 * 1024;

function readFile(path: string): PriceFile | undefined {
  let read: ReturnType<typeof readPriceFile>;
  try {
    read =
      statSync(path).size > MAXIMUM_BYTES ? { faults: ['is too large'] } : readPriceFile(readFileSync(path, 'utf8'));
  } catch {
    read = { faults: ["can't be read"] };
  }
  if (!('faults' in read)) return read;
  for (const fault of read.faults) process.stderr.write(`${path}: ${fault}\n`);
  return undefined;
}

function print(changes: readonly Change[]): void {
  for (const { what, line } of changes) process.stdout.write(`${what.padEnd(9)} ${line}\n`);
}

async function run(command: 'plan' | 'apply', path: string, prune: boolean): Promise<number> {
  const file = readFile(path);
  if (file === undefined) return 2;
  readEnvFile();
  const { databaseUrl } = loadToolConfig();
  const pool = createPool({ databaseUrl, size: 2, applicationName: 'holdfast prices', onError: () => undefined });
  const db = openDatabase(pool);
  try {
    const changes = command === 'plan' ? await tryFile(db, file, prune) : await applyFile(db, file, prune);
    print(changes);
    const count = changes.filter(({ what }) => what !== 'kept').length;
    process.stdout.write(`${count} ${count === 1 ? 'change' : 'changes'}${command === 'plan' ? ', none made' : ''}.\n`);
    return 0;
  } catch (error) {
    const fault = connectionFault(error, 'DATABASE_URL', databaseUrl);
    if (fault === undefined && !(error instanceof LedgerError)) throw error;
    process.stderr.write(`Nothing was changed. ${fault?.why ?? (error as Error).message}\n`);
    return fault === undefined ? 1 : 3;
  } finally {
    await pool.end();
  }
}

const [command, path, option, ...rest] = process.argv.slice(2);
const isRightUse = path !== undefined && (option === undefined || option === '--prune') && rest.length === 0;
if ((command === 'plan' || command === 'apply') && isRightUse) {
  process.exitCode = await run(command, path, option === '--prune');
} else {
  process.stderr.write(USAGE);
  process.exitCode = 2;
}
