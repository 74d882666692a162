import { setTimeout as delay } from 'node:timers/promises';
import type { StackLock } from './lock.ts';
import { complain, say } from './output.ts';
import { type Part, type PartCommand, startPart } from './parts.ts';
import { endProcess, send } from './processes.ts';

/** Somebody asked for the end: Ctrl-C, SIGTERM, a closed terminal, or npm that is gone. */
export class StopRequested extends Error {}

/** A part ended that should not have. */
export class PartDied extends Error {
  constructor(part: Part, how: string) {
    const lines = part.tail.length === 0 ? ' It wrote nothing.' : ` Its last lines:\n  ${part.tail.join('\n  ')}`;
    super(`${part.record.name} ended on its own (${how}).${lines}`);
  }
}

const STOP_LIMIT_MS = 10_000;
/** One Ctrl-C arrives twice, from the terminal and from npm; only a later one is a second one. */
const SAME_SIGNAL_MS = 500;

/** The parts that run, in the order of their start. */
export class Running {
  private readonly parts: Part[] = [];
  private lock: StackLock | undefined;
  private stopping = false;
  private requestedAtMs: number | undefined;
  private killing = false;
  private reject: (reason: Error) => void = () => undefined;

  /** Rejects, with `StopRequested` or `PartDied`, when everything is to be stopped; it never resolves. */
  readonly over = new Promise<never>((_, reject) => (this.reject = reject));

  constructor() {
    this.over.catch(() => undefined);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => this.requestStop());
  }

  /** The first request stops in order; a later one ends everything at once. */
  requestStop(): void {
    this.reject(new StopRequested());
    if (this.requestedAtMs === undefined) {
      this.requestedAtMs = performance.now();
    } else if (performance.now() - this.requestedAtMs > SAME_SIGNAL_MS) {
      void this.endAtOnce();
    }
  }

  /** From now on every part is noted in the lock, which is released once all of them have ended. */
  holds(lock: StackLock): void {
    this.lock = lock;
  }

  /** Starts a part that is to run until the stack stops. */
  start(command: PartCommand): Part {
    const part = this.launch(command);
    void part.ended.then(({ how }) => {
      if (!this.stopping) this.reject(new PartDied(part, how));
    });
    return part;
  }

  /** Runs a part to its end; rejects with `PartDied` unless it succeeds. */
  async complete(command: PartCommand): Promise<void> {
    const part = this.launch(command);
    const { ok, how } = await part.ended;
    if (!ok) throw new PartDied(part, how);
  }

  private launch(command: PartCommand): Part {
    // A start that goes on beside the stop must add nothing to what is being stopped.
    if (this.stopping) throw new StopRequested();
    const part = startPart(command);
    this.parts.push(part);
    this.lock?.add(part.record);
    return part;
  }

  /** Stops every part, the last one started first; each has `STOP_LIMIT_MS` before it is killed. Then the folder is free. */
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
    // PostgreSQL's immediate shutdown: its own processes end with it, and the next start recovers from the log.
    await Promise.race([Promise.all(this.parts.map((part) => part.ended)), delay(1000)]);
    process.exit(130);
  }
}
