import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { untilItWorks } from '../../../dev/ports.ts';
import type { TestPostgres } from '../../../dev/testing.ts';

/**
 * `postmaster`: the server's first process, the others notice and end, some after their statement. `everything`: all of
 * them at once, so that statements are cut in their middle and what was only in memory is lost.
 */
export type Victim = 'postmaster' | 'everything';

/**
 * Finds the processes first, and returns a function that sends SIGKILL to all of them at once, because finding them takes
 * longer than a statement. It resolves when no process of the server is left; only then may the server be restarted.
 */
export function aimAt(postgres: TestPostgres): (victim: Victim) => Promise<void> {
  const postmaster = Number(readFileSync(join(postgres.folder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
  const others = processesOf(postgres).filter((pid) => pid !== postmaster);
  return async (victim) => {
    process.kill(postmaster, 'SIGKILL');
    if (victim === 'everything') others.forEach(kill);
    await untilItWorks(
      async () => {
        const left = processesOf(postgres);
        if (victim === 'everything') left.forEach(kill);
        if (left.length > 0) throw new Error(`still there: ${left.join(', ')}`);
      },
      20_000,
      5,
    );
  };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Orphans too: each has the folder or the cluster's name in its command line. A zombie has neither. */
function processesOf({ folder }: TestPostgres): number[] {
  const name = basename(folder);
  return (process.platform === 'linux' ? linuxCommands() : portableCommands())
    .filter(({ command }) => command.includes(name) && !command.startsWith('/bin/sh'))
    .map(({ pid }) => pid);
}

interface Command {
  readonly pid: number;
  readonly command: string;
}

function linuxCommands(): Command[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [{ pid: Number(pid), command: readFileSync(`/proc/${pid}/cmdline`, 'utf8') }];
      } catch {
        return [];
      }
    });
}

function portableCommands(): Command[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,args='], { encoding: 'utf8' }).trim().split('\n');
  return lines.map((line) => {
    const [, pid = '', command = ''] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
    return { pid: Number(pid), command };
  });
}
