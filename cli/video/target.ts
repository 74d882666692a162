import { access, constants, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { reasonOf, wrongUse } from '../failure.ts';

/** Where a download goes. */
export interface Target {
  /** As the user wrote it. */
  readonly path: string;
  /** Written first and renamed when it is whole; undefined for a device or a pipe, which is written as it is. */
  readonly temporary: string | undefined;
}

/** Raises wrong use where a file could not be written, or is there already: before anything is asked for or paid. */
export async function checkTarget(path: string, isForced: boolean): Promise<Target> {
  const full = resolve(path);
  const found = await stat(full).catch(() => undefined);
  if (found !== undefined && !found.isFile() && !found.isDirectory()) return { path, temporary: undefined };
  if (found?.isDirectory() === true) throw wrongUse(`${path} is a folder; --out needs the name of a file.`);
  if (found !== undefined && !isForced) throw wrongUse(`${path} exists already: choose another name, or add --force.`);
  await access(dirname(full), constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw wrongUse(`${path} can’t be written: ${reasonOf(error)}.`);
  });
  return { path, temporary: join(dirname(full), `.${basename(full)}.${process.pid}.part`) };
}
