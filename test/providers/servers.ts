import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { untilItWorks } from '../../dev/ports.ts';
import { stopWithThisProcess } from '../harness/support/stopWithThisProcess.ts';

/** A server that runs. */
export interface Running {
  /** Without /v1. */
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** Holdfast's key at each of them. */
export const API_KEY = 'sk-of-the-tests-5a0e8c1b7d3f9264aa10';

/** How long a server may take until it answers. */
const START_LIMIT_MS = 300_000;

/** What it can, with the settings that it is tested with; a case expects what follows from that. */
export interface Habits {
  /**
   * `whole`: what it doesn't show was not made, so it is made again. `partial`: it proves only what it shows, and a hold waits for
   * its end otherwise. `without prompts`: it may rule out something. `newest`: it shows the newest ones only, whatever page is asked for. `none`: a
   * create whose answer was lost is never found.
   */
  readonly list: 'whole' | 'partial' | 'without prompts' | 'newest' | 'none';
  readonly delete: boolean;
  /** Whether its DELETE takes away what is being made, so that it knows nothing of it any more. */
  readonly forgets: boolean;
  /** Whether its DELETE ends unfinished work, and Holdfast's settings let it. */
  readonly cancels: boolean;
  /** Whether it has thumbnail and spritesheet. */
  readonly images: boolean;
}

/** A published server of the format. */
export interface RealServer {
  readonly name: string;
  readonly title: string;
  readonly version: string;
  /** What Holdfast's file of providers says of it, besides name, address and key; `port` is where it listens. */
  readonly settings: (port: number) => Readonly<Record<string, unknown>>;
  /** The server's own settings that matter, in words. */
  readonly itsSettings: string;
  readonly habits: Habits;
  readonly start: (port: number) => Promise<Running>;
  /** The words of a prompt that make it fail in this way. */
  readonly prompts: Readonly<Record<'failure' | 'moderation', string>>;
  /** A prompt that is refused at create; null: this server refuses none. */
  readonly refusals: Readonly<Record<'moderation' | 'invalid', string | null>>;
  /** One spelling for each video. */
  readonly canonical: (id: string) => string;
}

/** Runs a program until it is stopped; resolves once `ready` answers with 200. Raises with its last lines if it ends before. */
export async function startProgram(
  command: string,
  args: readonly string[],
  { env, ready, cwd }: { env: Record<string, string>; ready: string; cwd: string },
): Promise<() => Promise<void>> {
  const child = spawn('nice', ['-n', '10', command, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let tail = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (tail = (tail + chunk.toString()).slice(-6000)));
  }
  const endWatch = stopWithThisProcess(child);
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      endWatch();
      resolve();
    });
  });
  const stop = () => stopProgram(child, ended);
  const answers = async () => {
    if (child.exitCode !== null) return undefined;
    const { ok } = await fetch(ready, { signal: AbortSignal.timeout(2000) });
    if (!ok) throw new Error('not yet');
    return true;
  };
  const started = await untilItWorks(answers, START_LIMIT_MS).catch(() => undefined);
  if (started === undefined) {
    await stop();
    throw new Error(`${command} did not start:\n${tail}`);
  }
  return stop;
}

async function stopProgram(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(late);
}
