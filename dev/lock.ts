import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endProcess, isAlive, type ProcessRecord, recordOf } from './processes.ts';
import { StartRefused } from './ports.ts';
import { readJson, writePrivate } from './state.ts';

/**
 * `stack.json`: who runs on this folder, and every process that was started for it. It exists only while a stack runs,
 * or after one was killed; then the next start ends what is left of it.
 */

interface StackRecord {
  readonly owner: ProcessRecord;
  /** npm, when it started us: a stack whose npm was killed has nobody left to stop it, so it may be taken over. */
  readonly launcher: ProcessRecord | undefined;
  readonly parts: ProcessRecord[];
}

const OWNER_LIMIT_MS = 20_000;
const PART_LIMIT_MS = 5000;

export interface StackLock {
  /** Notes a process at once after it was started, so that a later start can end it. */
  add(part: ProcessRecord): void;
  release(): void;
}

/**
 * Takes the folder for this process, or raises `StartRefused` when a live stack has it. What a killed stack left behind
 * is ended first; `announce` is told.
 */
export async function takeFolder(folder: string, announce: (line: string) => void): Promise<StackLock> {
  const path = join(folder, 'stack.json');
  for (;;) {
    const earlier = claim(path);
    if (earlier === 'claimed') return lockAt(path);
    await makeWay(folder, earlier, announce);
    // A script that waits for this file must not take the dead stack's for ours.
    rmSync(join(folder, 'endpoints.json'), { force: true });
    await endLeftovers(earlier.parts, announce);
    retire(path, earlier);
  }
}

/** Creates the record in one step, or returns the one that is there. */
function claim(path: string): StackRecord | 'claimed' {
  const temporary = `${path}.${process.pid}.new`;
  writeFileSync(temporary, JSON.stringify(ourRecord()), { mode: 0o600 });
  try {
    linkSync(temporary, path);
    return 'claimed';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const earlier = readJson(path);
    return isStackRecord(earlier) ? earlier : { owner: recordOf('stack', 0), launcher: undefined, parts: [] };
  } finally {
    rmSync(temporary, { force: true });
  }
}

function ourRecord(): StackRecord {
  return { owner: recordOf('stack', process.pid), launcher: launcher(), parts: [] };
}

/** The npm that runs us, or undefined when we were started by hand. */
function launcher(): ProcessRecord | undefined {
  return process.env['npm_lifecycle_event'] === undefined ? undefined : recordOf('npm', process.ppid);
}

/** Returns when the earlier stack's owner has ended. */
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

/** Removes the dead stack's record, but not one that another start has put in its place meanwhile. */
function retire(path: string, earlier: StackRecord): void {
  const aside = `${path}.${process.pid}.old`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  const moved = readJson(aside);
  if (isStackRecord(moved) && moved.owner.identity !== earlier.owner.identity && isAlive(moved.owner)) {
    linkSync(aside, path);
  }
  rmSync(aside, { force: true });
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

/** Calls `gone` once npm, if it started us, has ended without telling us (kill -9): an orphan gets another parent. */
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
