import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTemporalCli } from '../../../dev/binaries.ts';
import { freePort, portVariables, type Ports } from '../../../dev/ports.ts';
import { repository } from '../../../dev/state.ts';
import { prepareNamespace, serverCommand, writeEmptyProfile } from '../../../dev/temporal.ts';
import { stopWithThisProcess } from '../support/stopWithThisProcess.ts';

/**
 * The baseline of `npm run bench:generation`: the workflow in `bare/`, with a generation's steps and empty activities. The files
 * there are given and are not ours to change. Its Temporal server runs as that of `npm start`, but is its own, so that the polls
 * of our workers don't count as its cost.
 */

/** The line that `bare.mjs` prints. */
export interface BareRun {
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly events: number;
  readonly cpu_ms_each: {
    readonly server: number;
    readonly worker: number;
    readonly client: number;
    readonly all: number;
  };
}

export interface Bare {
  readonly run: (options: { count: number; clients: number; videoSeconds: number }) => Promise<BareRun>;
  readonly stop: () => Promise<void>;
}

export async function startBare(): Promise<Bare> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bare-'));
  await chmod(folder, 0o700);
  const ports: Ports = { ...portVariables, TEMPORAL_PORT: await freePort(), TEMPORAL_UI_PORT: await freePort() };
  const address = `127.0.0.1:${ports.TEMPORAL_PORT}`;
  const cli = await findTemporalCli(() => undefined);
  writeEmptyProfile(folder);
  const { command, args, cwd, env } = serverCommand(cli, ports, folder);
  const server = spawn(command, [...args], { cwd, env, stdio: 'ignore' });
  const endWatch = stopWithThisProcess(server);
  const ended = new Promise((resolve) => server.once('close', resolve));
  await prepareNamespace(ports.TEMPORAL_PORT, 60_000);
  return {
    run: async ({ count, clients, videoSeconds }) => {
      const args = [address, String(server.pid), String(count), String(clients), String(videoSeconds)];
      return JSON.parse(await outputOf('test/harness/bench/bare/bare.mjs', args)) as BareRun;
    },
    stop: async () => {
      server.kill('SIGTERM');
      await ended;
      endWatch();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function outputOf(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [program, ...args], { cwd: repository, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${program} ended with ${String(code)}`);
  return output;
}
