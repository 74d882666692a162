import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { repository } from '../../../dev/state.ts';
import { ADMIN_KEY, type TestAccount } from './stack.ts';

/** The command line as the build bundles it. */
const HOLDFAST = join(repository, 'cli', 'dist', 'holdfast.cjs');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Running {
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

/** Starts a program with this environment and no other. */
function start(program: readonly string[], { env, cwd, columns }: Options): Running {
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

interface Where {
  readonly env?: Record<string, string>;
  /** In a pseudo-terminal of this width. */
  readonly columns?: number;
}

/** Somebody who uses the command line, with an account of their own. */
export class Caller {
  constructor(
    private readonly url: string,
    readonly account: TestAccount,
    private readonly folder: string,
  ) {}

  run(args: readonly string[], where: Where = {}): Running {
    return this.start([process.execPath, HOLDFAST, ...args], where);
  }

  start(program: readonly string[], { env = {}, columns }: Where = {}): Running {
    const keys = { HOLDFAST_URL: this.url, HOLDFAST_API_KEY: this.account.key, HOLDFAST_ADMIN_KEY: ADMIN_KEY };
    const options = { env: { ...keys, HOME: this.folder, HOLDFAST, ...env }, cwd: this.folder };
    return start(program, { ...options, ...(columns !== undefined && { columns }) });
  }

  /** What a command prints with `--json`, which has to succeed and to say nothing else. */
  async json<Answer>(...args: string[]): Promise<Answer> {
    const { code, stdout, stderr } = await this.run([...args, '--json']).ended;
    const told = stderr.replace(/^video_.*Ctrl-C is safe.*\n/m, '');
    expect({ args, code, told }).toEqual({ args, code: 0, told: '' });
    return JSON.parse(stdout) as Answer;
  }

  /** What a command prints for people. */
  async text(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args).ended;
    expect({ args, code, stderr }).toMatchObject({ args, code: 0 });
    return stdout;
  }
}
