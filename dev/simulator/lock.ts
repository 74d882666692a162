import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createLockFile, retireLockFile } from '../../platform/lockFile.ts';
import { processIdentity } from '../../platform/processIdentity.ts';

/** Another simulator uses the folder: each would overwrite the other's journal. */
export class FolderTaken extends Error {}

/**
 * Takes the folder for this process until it ends, or raises `FolderTaken`. The lock names a pid and its start, so that the one of
 * a killed process is taken over, even if its pid has a new owner.
 */
export function takeFolder(dir: string): void {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'simulator.lock');
  const ours = `${process.pid} ${processIdentity(process.pid) ?? ''}`;
  while (!createLockFile(path, ours)) {
    const theirs = read(path);
    if (isAlive(theirs)) {
      throw new FolderTaken(
        `The simulator with pid ${theirs.split(' ', 1)[0] ?? ''} already uses ${dir}: stop it, or set SIMULATOR_DIR and SIMULATOR_PORT to a folder and a port of this one's own.`,
      );
    }
    retireLockFile(path, (aside) => read(aside) !== theirs);
  }
  process.once('exit', () => {
    if (read(path) === ours) rmSync(path, { force: true });
  });
}

/** Empty when there is none. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function isAlive(lock: string): boolean {
  const [, pid, identity] = /^(\d+) (.+)$/.exec(lock) ?? [];
  return pid !== undefined && processIdentity(Number(pid)) === identity;
}
