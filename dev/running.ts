import { setTimeout as delay } from 'node:timers/promises';
import type { StackLock } from './lock.ts';
import { complain, say } from './output.ts';
import { type Part, type PartCommand, startPart } from './parts.ts';
import { endProcess, send } from './processes.ts';

/** The stack was told to stop: by Ctrl-C, SIGTERM, a closed terminal, or the death of npm. */
export class StopRequested extends Error {}

/** A part ended although nobody stopped it. */
export class PartDied extends Error {
  constructor({ record, tail, quiet }: Part, how: string) {
    const killed = how.startsWith('SIG') ? `was killed (${how})` : `has ended (${how})`;
    const lines = quiet && tail.length > 0 ? `; its last lines:\n  ${tail.join('\n  ')}` : '.';
    super(`${record.name} ${killed}, so everything is stopped${lines}`);
  }
}

const STOP_LIMIT_MS = 10_000;
/** One Ctrl-C arrives twice, from the terminal and from npm. Only a later signal counts as a second one. */
const SAME_SIGNAL_MS = 500;

/** The running parts, in the order in which they began. */
export class Running {
  private readonly parts: Part[] = [];
  private lock: StackLock | undefined;
  private stopping = false;
  private requestedAtMs: number | undefined;
  private killing = false;
  private reject: (reason: Error) => void = () => undefined;

  /** Rejects with `StopRequested` or `PartDied` when everything must stop; never resolves. */
  readonly over = new Promise<never>((_, reject) => (this.reject = reject));

  constructor() {
    this.over.catch(() => undefined);
  }

  /** The first request stops the parts in order; a second one kills them at once. */
  requestStop(): void {
    this.reject(new StopRequested());
    if (this.requestedAtMs === undefined) {
      this.requestedAtMs = performance.now();
    } else if (performance.now() - this.requestedAtMs > SAME_SIGNAL_MS) {
      void this.endAtOnce();
    }
  }

  /** Records every part that starts from now on in the lock, and releases it once all of them have ended. */
  holds(lock: StackLock): void {
    this.lock = lock;
  }

  /** Starts a part that runs until the stack stops. */
  start(command: PartCommand): Part {
    const part = this.launch(command);
    void part.ended.then(({ how }) => {
      if (!this.stopping) this.reject(new PartDied(part, how));
    });
    return part;
  }

  /** Lets a part run that has waited: what has begun by now is stopped after it. */
  begin(part: Part): void {
    this.parts.push(...this.parts.splice(this.parts.indexOf(part), 1));
    part.begin();
  }

  /** Starts a part that the stack does without when it ends. */
  startAside(command: PartCommand): { readonly ended: Promise<unknown>; readonly end: () => Promise<void> } {
    const part = this.launch(command);
    return { ended: part.ended, end: () => endProcess(part.record, STOP_LIMIT_MS) };
  }

  private launch(command: PartCommand): Part {
    // The start may still be going on: it must not add parts to a stack that is stopping.
    if (this.stopping) throw new StopRequested();
    const part = startPart(command);
    this.parts.push(part);
    this.lock?.add(part.record);
    return part;
  }

  /** Stops the parts in reverse order, each within `STOP_LIMIT_MS` or by SIGKILL, and releases the folder. */
  async stop(): Promise<void> {
    this.stopping = true;
    if (this.parts.length > 0) say('Stopping everything…');
    for (const part of this.parts.toReversed()) await endProcess(part.record, STOP_LIMIT_MS);
    this.lock?.release();
    if (this.parts.length > 0) say('Stopped.');
  }

  private async endAtOnce(): Promise<void> {
    if (this.killing) return;
    this.killing = true;
    complain('Killing everything.');
    for (const { record } of this.parts) send(record.pid, record.name === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
    // SIGQUIT is PostgreSQL's immediate shutdown: its child processes end too, and the next start recovers from the log.
    await Promise.race([Promise.all(this.parts.map((part) => part.ended)), delay(1000)]);
    process.exit(130);
  }
}
