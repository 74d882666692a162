import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ROOT } from '../platform/root.ts';
import { StartRefused } from './ports.ts';

/**
 * The folder with everything that one stack keeps between starts. It is created with mode 0700, and files with secrets have
 * mode 0600.
 */

export const repository = ROOT;

/** Shared by every stack and every test run of this clone: fetched binaries are large and always the same. */
export const sharedFolder = join(repository, '.holdfast');

/** What `--fresh` deletes, by name. The user chose the folder, so nothing that we did not make is removed. */
const ownNames = ['postgres', 'postgres.json', 'temporal.db', 'temporal.db-shm', 'temporal.db-wal', 'temporal.toml'];
const ownMoreNames = ['simulator', 'archive', 'builds', 'secrets.json', 'demo.json', 'endpoints.json'];

/**
 * Creates the folder (0700) when it is missing; an existing one keeps its mode, for it may not be ours. Raises `StartRefused`
 * when nothing can be written there.
 */
export function openStateFolder(folder: string): string {
  const path = resolve(folder);
  const probe = join(path, `.${process.pid}.probe`);
  try {
    if (!existsSync(path)) mkdirSync(path, { recursive: true, mode: 0o700 });
    writeFileSync(probe, '');
    rmSync(probe);
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new StartRefused(
      `Nothing can be written to ${path} (${code}): make it writable, or set HOLDFAST_DIR to another folder.`,
    );
  }
  return path;
}

/** Deletes what earlier starts kept in the folder. The caller makes sure that no stack uses it. */
export function forget(folder: string): void {
  for (const name of [...ownNames, ...ownMoreNames]) rmSync(join(folder, name), { recursive: true, force: true });
}

/** Writes a file of mode 0600 atomically. */
export function writePrivate(path: string, content: unknown): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}

/** The parsed file; undefined when it is missing or not JSON (a crash of the machine can leave it empty). */
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

/** The random secrets of this stack, generated at its first start and kept. */
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
