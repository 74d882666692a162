import { spawn } from 'node:child_process';
import { chownSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { freePort } from './ports.ts';
import {
  type Cluster,
  createDatabase,
  initialise,
  ownerUrl,
  prepareDatabase,
  serverCommand,
  superuserUrl,
} from './postgres.ts';
import { postgresUser, reachableParent } from './postgres-place.ts';

export { findTemporalCli, findTestServer } from './binaries.ts';

const READY_LIMIT_MS = 30_000;

/**
 * Runs the server until standard input ends, then removes the folder. The input is a pipe that the test process holds, so nothing
 * is left behind even if that process is killed. A line of input restarts a server that has ended.
 */
const guard = `folder=$1; shift; "$@" & server=$!
while read -r _; do wait $server; "$@" & server=$!; done
kill -INT $server; wait $server; cd /; rm -rf "$folder"`;

export interface TestPostgres {
  superuserUrl(database: string): string;
  /** As `holdfast_owner`, who runs the migrations and owns the empty database `holdfast`. */
  ownerUrl(database: string): string;
  /** Creates an empty database of `holdfast_owner` and resolves with its owner's URL. */
  createDatabase(name: string): Promise<string>;
  /** Has the server's files in `data`. Its base name is in the command line of each of the server's processes. */
  readonly folder: string;
  /** Restarts the server on its data after all its processes were killed. Resolves when it accepts connections. */
  restart(): Promise<void>;
  /** Resolves when the server has ended and its folder is gone. */
  stop(): Promise<void>;
}

/**
 * Starts a real PostgreSQL 18 for tests in about a second, on a free port, in a temporary folder. It waits for the disk only if
 * `durable`. Works as root too. Rejects with PostgreSQL's message when it does not start.
 */
export async function startTestPostgres({ durable = false } = {}): Promise<TestPostgres> {
  const user = postgresUser();
  const folder = mkdtempSync(join(reachableParent(user, [tmpdir(), '/tmp', '/var/tmp']), 'holdfast-test-'));
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const passwords = { superuserPassword: 'superuser', ownerPassword: 'owner' };
  const cluster: Cluster = { folder, port: await freePort(), user, ...passwords, durable };
  await initialise(cluster);
  const { again, stop } = runGuarded(cluster);
  try {
    await prepareDatabase(cluster, READY_LIMIT_MS);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    superuserUrl: (database) => superuserUrl(cluster, database),
    ownerUrl: (database) => ownerUrl(cluster, database),
    createDatabase: async (name) => {
      await createDatabase(cluster, name);
      return ownerUrl(cluster, name);
    },
    folder,
    restart: () => {
      again();
      return prepareDatabase(cluster, READY_LIMIT_MS);
    },
    stop,
  };
}

/** Starts the guarded server. `again` restarts it once it has ended; `stop` ends it for good. */
function runGuarded(cluster: Cluster): { again: () => void; stop: () => Promise<void> } {
  const { command, args, cwd, env } = serverCommand(cluster);
  const named = [...args, '-c', `cluster_name=${basename(cluster.folder)}`];
  const child = spawn('/bin/sh', ['-c', guard, 'holdfast-test-postgres', cluster.folder, command, ...named], {
    ...cluster.user,
    cwd,
    env,
    // So that a terminal's Ctrl-C does not reach it: an interrupted test run still uses the database in its teardown.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  // The guard must not keep the test process alive.
  child.unref();
  return {
    again: () => child.stdin.write('\n'),
    stop: () => {
      child.stdin.end();
      child.ref();
      return ended;
    },
  };
}
