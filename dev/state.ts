import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/**
 * The folder that holds everything one stack keeps between starts. Secrets in it are files of mode 0600, and the folder
 * itself is made 0700.
 */

export const repository = resolve(import.meta.dirname, '..');

/** What every stack and every test run of this clone shares: fetched binaries are large and never differ. */
export const sharedFolder = join(repository, '.holdfast');

/** What `--fresh` deletes, by name: the folder is the user's choice, so nothing we did not make is ever removed. */
const ownNames = ['postgres', 'postgres.json', 'temporal.db', 'temporal.db-shm', 'temporal.db-wal', 'temporal.toml'];
const ownMoreNames = ['simulator', 'archive', 'secrets.json', 'demo.json', 'endpoints.json'];

/** Makes the folder (0700) when it is missing; one that exists keeps its mode, for it may be anybody's. */
export function openStateFolder(folder: string): string {
  const path = resolve(folder);
  if (!existsSync(path)) mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}

/** Deletes what earlier starts kept in the folder; the caller has made sure that nothing runs on it. */
export function forget(folder: string): void {
  for (const name of [...ownNames, ...ownMoreNames]) rmSync(join(folder, name), { recursive: true, force: true });
}

/** Writes a file of mode 0600 in one step: a reader sees the old content or the new, never a part. */
export function writePrivate(path: string, content: unknown): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}

/** The parsed file, or undefined when it is missing or unreadable as JSON (a crash of the machine can leave it empty). */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

export interface Secrets {
  readonly superuserPassword: string;
  readonly ownerPassword: string;
  readonly servicePassword: string;
  readonly adminKey: string;
  /** With which the simulator signs its webhooks. */
  readonly webhookSecret: string;
}

/** The random secrets of this stack: made at the first start, the same at every later one. */
export function keptSecrets(folder: string): Secrets {
  const path = join(folder, 'secrets.json');
  const kept = readJson(path);
  if (isSecrets(kept)) return kept;
  const secrets = {
    superuserPassword: randomBytes(24).toString('hex'),
    ownerPassword: randomBytes(24).toString('hex'),
    servicePassword: randomBytes(24).toString('hex'),
    adminKey: `admin_${randomBytes(24).toString('hex')}`,
    webhookSecret: `whsec_${randomBytes(24).toString('base64')}`,
  };
  writePrivate(path, secrets);
  return secrets;
}

function isSecrets(value: unknown): value is Secrets {
  return typeof value === 'object' && value !== null && 'superuserPassword' in value && 'webhookSecret' in value;
}
