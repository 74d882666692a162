import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createLockFile, retireLockFile } from '../platform/lockFile.ts';
import { endProcess, isAlive, type ProcessRecord, recordOf } from './processes.ts';
import { StartRefused } from './ports.ts';
import { readJson, writePrivate } from './state.ts';

/**
 * `stack.json` names the stack that uses this folder, and every process that it started. It exists while a stack runs. If one
 * was killed, the file remains, and the next start ends the processes that are left.
 */

interface StackRecord {
  readonly owner: ProcessRecord;
  /** The npm that started us. A stack whose npm was killed can't be stopped by its user, so another start may end it. */
  readonly launcher: ProcessRecord | undefined;
  readonly parts: ProcessRecord[];
}

const OWNER_LIMIT_MS = 20_000;
const PART_LIMIT_MS = 5000;

export interface StackLock {
  /** Records a process as soon as it has started, so that a later start can end it. */
  add(part: ProcessRecord): void;
  release(): void;
}

/**
 * Takes the folder for this process, or raises `StartRefused` when a running stack has it. First ends what a killed stack left
 * behind, and says so by `announce`.
 */
export async function takeFolder(folder: string, announce: (line: string) => void): Promise<StackLock> {
  const path = join(folder, 'stack.json');
  for (;;) {
    const earlier = claim(path);
    if (earlier === 'claimed') return lockAt(path);
    await makeWay(folder, earlier, announce);
    // A script that waits for this file must not read the dead stack's.
    rmSync(join(folder, 'endpoints.json'), { force: true });
    await endLeftovers(earlier.parts, announce);
    retire(path, earlier);
  }
}

/** The pid of the stack that runs on this folder; undefined when none does. */
export function runningStack(folder: string): number | undefined {
  const record = readJson(join(folder, 'stack.json'));
  return isStackRecord(record) && isAlive(record.owner) ? record.owner.pid : undefined;
}

/** Creates the record atomically, or returns the existing one. */
function claim(path: string): StackRecord | 'claimed' {
  if (createLockFile(path, JSON.stringify(ourRecord()))) return 'claimed';
  const earlier = readJson(path);
  return isStackRecord(earlier) ? earlier : { owner: recordOf('stack', 0), launcher: undefined, parts: [] };
}

function ourRecord(): StackRecord {
  return { owner: recordOf('stack', process.pid), launcher: launcher(), parts: [] };
}

/** The npm that runs us; undefined when we were started without it. */
function launcher(): ProcessRecord | undefined {
  return process.env['npm_lifecycle_event'] === undefined ? undefined : recordOf('npm', process.ppid);
}

/** Resolves when the earlier stack's process has ended. Raises `StartRefused` when it is still wanted. */
async function makeWay(folder: string, earlier: StackRecord, announce: (line: string) => void): Promise<void> {
  if (!isAlive(earlier.owner)) return;
  if (earlier.launcher === undefined || isAlive(earlier.launcher)) {
    throw new StartRefused(
      `A stack already runs on ${folder} (pid ${earlier.owner.pid}): stop it, or set HOLDFAST_DIR (and the ports) for a second one.`,
    );
  }
  announce('Stopping an earlier stack whose npm was killed…');
  await endProcess(earlier.owner, OWNER_LIMIT_MS);
}

async function endLeftovers(parts: ProcessRecord[], announce: (line: string) => void): Promise<void> {
  const left = parts.filter(isAlive).reverse();
  if (left.length === 0) return;
  announce(`Stopping what an earlier stack left behind: ${left.map((part) => part.name).join(', ')}…`);
  for (const part of left) await endProcess(part, PART_LIMIT_MS);
}

/** Removes the dead stack's record, unless another start has replaced it meanwhile. */
function retire(path: string, earlier: StackRecord): void {
  retireLockFile(path, (aside) => {
    const moved = readJson(aside);
    return isStackRecord(moved) && moved.owner.identity !== earlier.owner.identity && isAlive(moved.owner);
  });
}

function lockAt(path: string): StackLock {
  let record = ourRecord();
  return {
    add(part) {
      record = { ...record, parts: [...record.parts.filter((known) => known.name !== part.name), part] };
      writePrivate(path, record);
    },
    release: () => rmSync(path, { force: true }),
  };
}

function isStackRecord(value: unknown): value is StackRecord {
  return typeof value === 'object' && value !== null && 'owner' in value && 'parts' in value;
}

/** Calls `gone` when the npm that started us has died without a signal to us (kill -9): then our parent changes. */
export function watchLauncher(gone: () => void): void {
  if (launcher() === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    gone();
  }, 250);
  timer.unref();
}
