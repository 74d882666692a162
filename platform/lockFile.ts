import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** Creates the file with its content in one step, so that nobody reads half of it; false when there is one. */
export function createLockFile(path: string, content: string): boolean {
  const temporary = `${path}.${process.pid}.new`;
  writeFileSync(temporary, content, { mode: 0o600 });
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Removes a dead process's file. If another start has just taken its place, which `isAnothers` tells of the file, it is put back. */
export function retireLockFile(path: string, isAnothers: (aside: string) => boolean): void {
  const aside = `${path}.${process.pid}.old`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (isAnothers(aside)) linkSync(aside, path);
  rmSync(aside, { force: true });
}
