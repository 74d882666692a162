import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { processIdentity } from '../platform/processIdentity.ts';

/**
 * A process that outlives the one that started it is identified by pid and start time: its pid alone may belong to another
 * process by the time it is read again.
 */

export interface ProcessRecord {
  readonly name: string;
  readonly pid: number;
  readonly identity: string;
  /** PostgreSQL's fast shutdown is SIGINT; its SIGTERM waits for every client to leave. */
  readonly stopSignal: 'SIGTERM' | 'SIGINT';
}

export function recordOf(
  name: string,
  pid: number,
  stopSignal: ProcessRecord['stopSignal'] = 'SIGTERM',
): ProcessRecord {
  return { name, pid, identity: processIdentity(pid) ?? 'ended', stopSignal };
}

export function isAlive(record: Pick<ProcessRecord, 'pid' | 'identity'>): boolean {
  return processIdentity(record.pid) === record.identity;
}

/** Sends a signal; false when there is no such process. A negative pid names a process group. */
export function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/**
 * Ends a process by its stop signal, or by SIGKILL after `limitMs`, and kills the rest of its group. Does nothing to another
 * process with the same pid. Resolves when the process has ended.
 */
export async function endProcess(record: ProcessRecord, limitMs: number): Promise<void> {
  if (isAlive(record)) {
    send(record.pid, record.stopSignal);
    if (!(await waitForEnd(record, limitMs))) {
      send(record.pid, 'SIGKILL');
      await waitForEnd(record, 2000);
    }
    send(-record.pid, 'SIGKILL');
  }
}

/** Whether the process ended within the time. */
async function waitForEnd(record: ProcessRecord, limitMs: number): Promise<boolean> {
  const until = performance.now() + limitMs;
  while (isAlive(record)) {
    if (performance.now() > until) return false;
    await delay(20);
  }
  return true;
}

const liveGroups = new Set<number>();
process.on('exit', () => liveGroups.forEach((pid) => send(-pid, 'SIGKILL')));

/** Kills the group of a `detached` child when this process exits. */
export function sweepAtExit(pid: number, ended: Promise<unknown>): void {
  liveGroups.add(pid);
  void ended.finally(() => liveGroups.delete(pid));
}

/**
 * Runs a tool to its end in a process group of its own, which is killed after `limitMs`. Resolves with its exit code (null when
 * it was killed or could not start) and its output; never rejects.
 */
export function runTool(
  command: string,
  args: string[],
  options: { limitMs: number; env?: NodeJS.ProcessEnv; cwd?: string; uid?: number; gid?: number },
): Promise<{ code: number | null; output: string }> {
  const { limitMs, ...rest } = options;
  const child = spawn(command, args, { ...rest, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    const timer = setTimeout(() => child.pid !== undefined && send(-child.pid, 'SIGKILL'), limitMs);
    const finish = (code: number | null) => {
      clearTimeout(timer);
      resolve({ code, output: output.trim() });
    };
    child.on('error', (error) => {
      output += error.message;
      finish(null);
    });
    child.on('close', finish);
  });
  if (child.pid !== undefined) sweepAtExit(child.pid, ended);
  return ended;
}
