import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { readEnvLines, type EnvLine } from './envLines.ts';
import { likelySetting } from './likelySetting.ts';
import { ROOT } from './root.ts';

const PROJECT_FILE = join(ROOT, '.env');

/**
 * Adds what `.env` in the project's folder sets (or the file that `HOLDFAST_ENV_FILE` names) to the environment, which wins.
 * Without a `.env` nothing happens. A file that can't be read, or a line in it that sets nothing or has a quote that is not
 * closed, ends the process with 2. A name that looks like a misspelt setting is told on standard error. No value is printed.
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
  const lines = readEnvLines(text);
  for (const { number, fault } of lines) if (fault !== undefined) refuse(`Line ${number} of ${path} ${FAULTS[fault]}`);
  warnOfMisspelt(lines, path);
  for (const [name, value] of Object.entries(parseEnv(text))) process.env[name] ??= value;
}

const FAULTS = {
  no_assignment: 'is not NAME=value: correct it, or put a # before it.',
  open_quote: 'has quotes that do not enclose the whole value: close them at its end, or remove them.',
};

function warnOfMisspelt(lines: readonly EnvLine[], path: string): void {
  const known = knownSettings();
  for (const { number, name } of lines) {
    const meant = name === undefined ? undefined : likelySetting(name, known);
    if (meant === undefined) continue;
    process.stderr.write(`Line ${number} of ${path} sets ${name}, which Holdfast does not read: is it ${meant}?\n`);
  }
}

/** `.env.example` names every setting; an image is made without that file. */
function knownSettings(): string[] {
  try {
    const text = readFileSync(join(ROOT, '.env.example'), 'utf8');
    return [...text.matchAll(/^#?(\w+)=/gm)].map(([, name = '']) => name);
  } catch {
    return [];
  }
}

function refuse(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(2);
}
