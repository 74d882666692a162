import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { show } from './output.ts';
import { type ProcessRecord, recordOf, sweepAtExit } from './processes.ts';

const TAIL_LINES = 15;

export interface PartCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly stopSignal?: ProcessRecord['stopSignal'];
  /** Do not show its output while it runs; if it dies, its last lines are shown. */
  readonly quiet?: boolean;
  /** It reads its standard input, and runs once its part's `begin` is called. */
  readonly waits?: boolean;
}

export interface Part {
  readonly record: ProcessRecord;
  /** The last lines of its output, shown or not. */
  readonly tail: readonly string[];
  readonly quiet: boolean;
  readonly begin: () => void;
  /** Resolves once its output is read, with how it ended: "exit code 1", "SIGKILL", "ENOENT…". */
  readonly ended: Promise<{ ok: boolean; how: string }>;
}

/**
 * Starts a part in a process group of its own: a terminal's Ctrl-C then reaches only the stack, which stops the parts in order.
 * Each line of its output is prefixed with its name.
 */
export function startPart(part: PartCommand): Part {
  const { name, uid, gid } = part;
  const user = { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
  const child = spawn(part.command, [...part.args], {
    ...user,
    cwd: part.cwd,
    env: part.env,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // Whoever has died is told of by `ended`.
  child.stdin.on('error', () => undefined);
  if (part.waits !== true) child.stdin.end();
  const tail: string[] = [];
  const take = (line: string) => {
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    if (part.quiet !== true) show(name, line);
  };
  const read = Promise.all([linesOf(child.stdout, take), linesOf(child.stderr, take)]);
  const ended = new Promise<{ ok: boolean; how: string }>((resolve) => {
    child.on('error', (error) => resolve({ ok: false, how: error.message }));
    child.on('exit', (code, signal) => {
      const how = { ok: code === 0, how: signal ?? `exit code ${code}` };
      // A child of the part may keep the pipe open: the last lines are waited for, but not for long.
      void Promise.race([read, delay(300)]).then(() => resolve(how));
    });
  });
  if (child.pid !== undefined) sweepAtExit(child.pid, ended);
  const record = recordOf(name, child.pid ?? 0, part.stopSignal);
  return { record, tail, quiet: part.quiet === true, begin: () => child.stdin.end('begin\n'), ended };
}

function linesOf(stream: Readable, take: (line: string) => void): Promise<void> {
  return new Promise((resolve) => {
    createInterface({ input: stream, crlfDelay: Infinity }).on('line', take).on('close', resolve);
  });
}

/**
 * As in the image: a small young generation, for V8's default lets each of a worker's two heaps grow by 48 MB of garbage before it
 * collects any. Source maps, which stay in memory for each loaded file, are not read.
 */
const NODE_OPTIONS = ['--max-semi-space-size=4'];

/** One of our programs, as `dist/` has it, as a part run by node itself. It gets this environment and nothing of a `.env`. */
export function program(name: string, main: string, cwd: string, env: NodeJS.ProcessEnv): PartCommand {
  const whole = { ...env, HOLDFAST_ENV_FILE: '/dev/null' };
  return { name, command: process.execPath, args: [...NODE_OPTIONS, `dist/${main}.js`], cwd, env: whole };
}

/** The same, loaded while the servers start that it needs. */
export function waitingProgram(...of: Parameters<typeof program>): PartCommand {
  const command = program(...of);
  return { ...command, args: command.args.toSpliced(-1, 0, 'dist/dev/prepared.js'), waits: true };
}
