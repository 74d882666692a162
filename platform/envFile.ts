import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

const PROJECT_FILE = join(import.meta.dirname, '..', '.env');

/**
 * Adds what `.env` in the project's folder sets (or the file that `HOLDFAST_ENV_FILE` names) to the environment, which wins.
 * Without a `.env` nothing happens. A file that can't be read, or a line in it that sets nothing, ends the process with 2.
 */
export function readEnvFile(): void {
  const named = process.env['HOLDFAST_ENV_FILE'] || undefined;
  const path = named ?? PROJECT_FILE;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (named === undefined && code === 'ENOENT') return;
    const otherwise = named === undefined ? 'remove it' : 'correct HOLDFAST_ENV_FILE';
    refuse(`${path} can't be read (${code ?? 'unknown'}): make it a readable file, or ${otherwise}.`);
  }
  const line = brokenLine(text);
  if (line !== undefined) refuse(`Line ${line} of ${path} is not NAME=value: correct it, or put a # before it.`);
  for (const [name, value] of Object.entries(parseEnv(text))) process.env[name] ??= value;
}

/** The number of the first line that is neither empty, a comment nor an assignment; Node's parser skips such a line silently. */
export function brokenLine(text: string): number | undefined {
  // A quoted value may have several lines.
  const flat = text.replace(/=[ \t]*(["'`])[^]*?\1/g, (value) => `=${value.replace(/[^\n]/g, '')}`);
  const index = flat.split('\n').findIndex((line) => !/^\s*(#.*|(export\s+)?[A-Za-z_]\w*\s*=.*)?\s*$/.test(line));
  return index === -1 ? undefined : index + 1;
}

function refuse(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(2);
}
