import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { vi } from 'vitest';
import { repository } from '../../../dev/state.ts';

/** The command line as the build bundles it. */
export const HOLDFAST = join(repository, 'cli', 'dist', 'holdfast.cjs');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  /** Both streams together; a terminal has but one. */
  readonly output: () => string;
  readonly until: (pattern: RegExp) => Promise<void>;
  readonly type: (text: string) => void;
  readonly ended: Promise<Ended>;
}

interface Options {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** The width of the pseudo-terminal to run in; without it the streams are pipes. */
  readonly columns?: number;
}

/** Runs a program in a pseudo-terminal of this width: its output is passed on, and what is typed. */
const IN_A_TERMINAL = `
import fcntl, os, pty, select, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 40, int(sys.argv[1]), 0, 0))
inputs = [terminal, 0]
while terminal in inputs:
    for each in select.select(inputs, [], [])[0]:
        try:
            data = os.read(each, 65536)
        except OSError:
            data = b''
        if not data:
            inputs.remove(each)
        else:
            os.write(terminal if each == 0 else 1, data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

/** Starts a program with this environment and no other; `holdfast` is `[process.execPath, HOLDFAST, …]`. */
export function start(program: readonly string[], { env, cwd, columns }: Options): Running {
  const [command = '', ...args] =
    columns === undefined ? program : ['/usr/bin/env', 'python3', '-c', IN_A_TERMINAL, String(columns), ...program];
  const child = spawn(command, args, { cwd, env: { PATH: process.env['PATH'] ?? '', ...env } });
  const text = { stdout: '', stderr: '', both: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      text[name] += chunk.toString();
      text.both += chunk.toString();
    });
  }
  return {
    output: () => text.both,
    until: async (pattern) => {
      await vi.waitUntil(() => pattern.test(text.both) || over(child, text.both), { timeout: 20_000, interval: 20 });
    },
    type: (typed) => void child.stdin.write(typed),
    ended: new Promise((resolve) => {
      child.on('close', (code) => resolve({ code, stdout: text.stdout, stderr: text.stderr }));
    }),
  };
}

/** Raises what it has printed when it has ended. */
function over({ exitCode }: ChildProcess, output: string): false {
  if (exitCode !== null) throw new Error(`it has ended with ${exitCode}:\n${output}`);
  return false;
}
