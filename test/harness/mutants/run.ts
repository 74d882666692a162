import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pLimit from 'p-limit';
import type { MigratedPostgres } from '../support/migratedPostgres.ts';
import { MUTANTS } from './mutants.ts';
import { type Failure, firstFailure } from './report.ts';
import { startSharedPostgres } from './sharedPostgres.ts';

/**
 * Takes one guard after another out of the database and runs the ledger's tests, which must fail each time.
 *
 *   npm run test:mutants                     all of them
 *   npm run test:mutants -- name1 name2      some of them
 *   npm run test:mutants -- --targeted       without the tests that try many things at random, which come last anyway
 */

const root = fileURLToPath(new URL('../../../', import.meta.url));
const tests = 'test/integration/';
const TARGETED = '--targeted';

/** Random and concurrent tests run last, because a targeted test names the fault. */
const BROAD = ['ledger-model.test.ts', 'ledger-parallel.test.ts'];
/** Tests of tools that read a ledger in other processes: slow, and they test no guard. */
const APART = ['ledger-audit.test.ts'];

type Env = { readonly HOLDFAST_MUTANT?: string; readonly HOLDFAST_MUTANT_POSTGRES?: string };

const folder = await mkdtemp(join(tmpdir(), 'holdfast-mutants-'));
try {
  process.exitCode = await main(process.argv.slice(2));
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function main(args: readonly string[]): Promise<number> {
  const names = args.filter((arg) => arg !== TARGETED);
  const unknown = names.filter((name) => !MUTANTS.some((mutant) => mutant.name === name));
  if (unknown.length > 0) {
    console.error(`No such mutant: ${unknown.join(', ')}. There are: ${MUTANTS.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  const chosen = MUTANTS.filter(({ name }) => names.length === 0 || names.includes(name));
  const { targeted, broad } = await listFiles();
  const last = args.includes(TARGETED) ? [] : broad;
  const servers = await Promise.all(Array.from({ length: availableParallelism() }, startSharedPostgres));
  try {
    return await tryAll(chosen, servers, targeted, last);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function tryAll(
  chosen: typeof MUTANTS,
  servers: MigratedPostgres[],
  targeted: readonly string[],
  last: readonly string[],
): Promise<number> {
  const begun = performance.now();
  const broken = await runInTurn([targeted, last], { HOLDFAST_MUTANT_POSTGRES: JSON.stringify(servers[0]?.urls) });
  if (broken !== undefined) {
    console.error(`Nothing was tried, for without a mutant a test fails: ${broken.test}\n${broken.why}`);
    return 2;
  }
  console.log(`Every test passes without a mutant (${secondsSince(begun)} s). ${chosen.length} mutants:\n`);

  let tried = 0;
  const turn = pLimit(servers.length);
  const rows = await turn.map(chosen, async ({ name, breaks, change, nearest }) => {
    const since = performance.now();
    const server = servers.pop();
    if (server === undefined) throw new Error('more turns than servers');
    const others = targeted.filter((file) => !nearest.includes(file));
    const killed = await runInTurn([nearest, others, last], {
      HOLDFAST_MUTANT: name,
      ...('serverWide' in change ? {} : { HOLDFAST_MUTANT_POSTGRES: JSON.stringify(server.urls) }),
    }).catch((error: unknown) => ({ test: undefined, why: String(error) }));
    servers.push(server);
    tried += 1;
    const by = killed === undefined ? 'SURVIVES' : (killed.test ?? 'COULD NOT BE TRIED');
    console.log(`${tried}/${chosen.length} ${name}: ${by}\n    ${killed?.why ?? ''}`);
    return { name, alive: killed?.test === undefined, line: row(name, breaks, by, secondsSince(since)) };
  });
  const survivors = rows.filter(({ alive }) => alive).map(({ name }) => name);
  console.log(`\n${[row('mutant', 'without the guard', 'killed by', 's'), row('-', '-', '-', '-')].join('\n')}`);
  console.log(rows.map(({ line }) => line).join('\n'));
  console.log(`\n${rows.length - survivors.length} of ${rows.length} killed in ${secondsSince(begun)} s.`);
  if (survivors.length > 0) console.log(`Survived: ${survivors.join(', ')}`);
  return survivors.length === 0 ? 0 : 1;
}

async function listFiles(): Promise<{ targeted: string[]; broad: string[] }> {
  const all = await readdir(join(root, tests));
  const files = all.filter((file) => /^ledger-.*\.test\.ts$/.test(file) && !APART.includes(file));
  return {
    targeted: files.filter((file) => !BROAD.includes(file)),
    broad: files.filter((file) => BROAD.includes(file)),
  };
}

/** Runs each batch of files only when the one before has passed. Returns the first failure. */
async function runInTurn(batches: readonly (readonly string[])[], env: Env): Promise<Failure | undefined> {
  for (const batch of batches.filter((files) => files.length > 0)) {
    const failure = await runTests(batch, env);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

async function runTests(files: readonly string[], env: Env): Promise<Failure | undefined> {
  const report = join(folder, `${env.HOLDFAST_MUTANT ?? 'none'}.json`);
  await rm(report, { force: true });
  const { code, output } = await run(
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      ...['run', '--config', 'test/harness/mutants/vitest.config.ts', '--reporter=json', `--outputFile=${report}`],
      ...files.map((file) => tests + file),
    ],
    env,
  );
  if (code === 0) return undefined;
  const failure = await firstFailure(report);
  // Then something else is broken, and no test has caught the mutant.
  if (failure === undefined) {
    throw new Error(`${env.HOLDFAST_MUTANT}: the tests ended with ${code} and none had failed.\n${output}`);
  }
  return failure;
}

function run(args: readonly string[], env: Env): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function secondsSince(start: number): string {
  return ((performance.now() - start) / 1000).toFixed(1);
}
