import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { endProcess, recordOf, send, sweepAtExit } from '../../../dev/processes.ts';
import { processIdentity } from '../../../platform/processIdentity.ts';

const run = promisify(execFile);

/** How a part is run; what `dev/` says of its parts fits. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/** An end that nobody here asked for. */
export interface Exit {
  readonly part: string;
  readonly how: string;
  readonly lastLines: string;
}

/** How long after a kill, and after an end of its own, a part is started again. */
const AFTER_KILL_MS = 300;
const AFTER_EXIT_MS = 1000;
const STRAGGLERS_MS = 10_000;
/** What an orchestrator gives a process to end by itself. */
const GRACE_MS = 30_000;

/** A part that is started again whenever it ends, as a supervisor would, until it is stopped. */
export class Supervised {
  readonly exits: Exit[] = [];
  kills = 0;
  private child: ChildProcess | undefined;
  private killed = false;
  private over = false;
  private left: readonly Member[] = [];
  private ended: Promise<void> = Promise.resolve();

  constructor(
    readonly name: string,
    private program: Program,
    private readonly logFile: string,
    /** Told of the process group that runs now, or of none. */
    private readonly onGroup: (group: number | undefined) => void,
  ) {}

  start(): void {
    this.ended = this.superviseUntilStopped();
  }

  /** From its next start on. */
  setVariable(name: string, value: string): void {
    this.program = { ...this.program, env: { ...this.program.env, [name]: value } };
  }

  /**
   * SIGKILL. `first`: the part's first process; those it started (PostgreSQL's) have to notice. `all`: every process of it at
   * once. `child`: one that it started, so that it has to recover by itself. Resolves when they are gone.
   */
  async kill(how: 'first' | 'all' | 'child', draw = 0): Promise<boolean> {
    const pid = this.child?.pid;
    if (pid === undefined) return false;
    const family = await familyOf(pid);
    const children = family.slice(1);
    const victims = { first: family.slice(0, 1), all: family, child: atDraw(children, draw) }[how];
    if (victims.length === 0) return false;
    this.kills += 1;
    if (how !== 'child') {
      this.killed = true;
      this.left = children;
    }
    for (const victim of victims) signal(victim, 'SIGKILL');
    return true;
  }

  /** SIGSTOP for all of its processes, for so long. */
  async pause(duration_ms: number): Promise<boolean> {
    const pid = this.child?.pid;
    if (pid === undefined) return false;
    const family = await familyOf(pid);
    for (const member of family) signal(member, 'SIGSTOP');
    await delay(duration_ms);
    for (const member of family) signal(member, 'SIGCONT');
    return true;
  }

  /** Ends it as an orchestrator does; it starts again in this folder. */
  async moveTo(folder: string): Promise<void> {
    this.program = { ...this.program, cwd: folder };
    const pid = this.child?.pid;
    if (pid === undefined) return;
    this.killed = true;
    await endProcess(recordOf(this.name, pid), GRACE_MS);
  }

  /** Ends it for good, at once, with everything that it started. */
  async stop(): Promise<void> {
    this.over = true;
    const pid = this.child?.pid;
    if (pid !== undefined) {
      this.left = await familyOf(pid);
      for (const member of this.left) signal(member, 'SIGKILL');
    }
    await this.ended;
  }

  private async superviseUntilStopped(): Promise<void> {
    while (!this.over) {
      const how = await this.runOnce();
      const killed = this.killed || this.over;
      this.killed = false;
      if (!killed) this.exits.push({ part: this.name, how, lastLines: this.lastLines() });
      // A server of PostgreSQL refuses to start while a process of the earlier one is left.
      await untilGone(this.left);
      this.left = [];
      if (!this.over) await delay(killed ? AFTER_KILL_MS : AFTER_EXIT_MS);
    }
  }

  private async runOnce(): Promise<string> {
    const { command, args, cwd, env, uid, gid } = this.program;
    const user = { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
    const log = openSync(this.logFile, 'a');
    // A group of its own: the terminal's Ctrl-C is for us alone.
    const child = spawn(command, [...args], { ...user, cwd, env, detached: true, stdio: ['ignore', log, log] });
    closeSync(log);
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    this.child = child;
    if (child.pid !== undefined) sweepAtExit(child.pid, ended);
    this.onGroup(child.pid);
    const how = await ended;
    this.child = undefined;
    this.onGroup(undefined);
    if (child.pid !== undefined) send(-child.pid, 'SIGKILL');
    return how;
  }

  private lastLines(): string {
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-5).join('\n');
  }
}

/** A process by pid and start time together: by the time it is signalled its pid may be another's. */
interface Member {
  readonly pid: number;
  readonly identity: string | undefined;
}

function isThere({ pid, identity }: Member): boolean {
  return identity !== undefined && processIdentity(pid) === identity;
}

function signal(member: Member, name: NodeJS.Signals): void {
  if (isThere(member)) send(member.pid, name);
}

function atDraw(members: readonly Member[], draw: number): Member[] {
  const member = members[Math.floor(draw * members.length)];
  return member === undefined ? [] : [member];
}

/** The process and all that descend from it, itself first. */
async function familyOf(pid: number): Promise<Member[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=']);
  const pairs = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
  const family = [pid];
  for (const parent of family) family.push(...pairs.filter(([, of]) => of === parent).map(([each]) => each));
  return family.map((each) => ({ pid: each, identity: processIdentity(each) }));
}

async function untilGone(members: readonly Member[]): Promise<void> {
  for (let waited_ms = 0; members.some(isThere); waited_ms += 20) {
    if (waited_ms >= STRAGGLERS_MS) for (const member of members) signal(member, 'SIGKILL');
    await delay(20);
  }
}
