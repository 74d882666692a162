import { readFileSync, statSync } from 'node:fs';
import { reasonOf, wrongUse } from '../failure.ts';
import { type Fields, isFields } from './source.ts';

/** The parsed file and whether only its owner can read it; undefined if there is none. Raises wrong use if it is not a JSON object. */
export function readFields(path: string): { readonly fields: Fields; readonly isPrivate: boolean } | undefined {
  let text: string;
  let mode: number;
  try {
    [text, mode] = [readFileSync(path, 'utf8'), statSync(path).mode];
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw wrongUse(`${path} can’t be read: ${reasonOf(error)}.`);
  }
  const fields = parsed(text);
  if (fields === undefined) throw wrongUse(`${path} is not a JSON object.`);
  return { fields, isPrivate: (mode & 0o077) === 0 };
}

/** Raises wrong use for a file with keys that other users of the machine can read. */
export function requirePrivate(path: string, isPrivate: boolean): void {
  if (!isPrivate) throw wrongUse(`${path} has keys, and others can read it: chmod 600 ${path}`);
}

function parsed(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
