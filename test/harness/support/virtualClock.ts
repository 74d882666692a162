import type { Clock } from '../../../api/door/clock.ts';

/** A clock that advances to its next timer as soon as nothing else is left to do. */
export class VirtualClock implements Clock {
  private nowIsMs = 0;
  /** By time, and at the same time as they were set. */
  private readonly timers: { readonly atMs: number; readonly run: () => void }[] = [];

  readonly nowMs = () => this.nowIsMs;

  readonly after = (ms: number, run: () => void) => {
    const timer = { atMs: this.nowIsMs + ms, run };
    const index = this.timers.findLastIndex(({ atMs }) => atMs <= timer.atMs);
    this.timers.splice(index + 1, 0, timer);
    return () => {
      const at = this.timers.indexOf(timer);
      if (at !== -1) this.timers.splice(at, 1);
    };
  };

  readonly sleep = (ms: number) => new Promise<void>((resolve) => this.after(ms, resolve));

  /** Lets this much time pass. */
  async pass(ms: number): Promise<void> {
    await this.run(this.sleep(ms));
  }

  /** Runs until `work` has ended. */
  async run<Result>(work: Promise<Result>): Promise<Result> {
    let isOver = false;
    const end = () => {
      isOver = true;
    };
    work.then(end, end);
    for (;;) {
      await settled();
      if (isOver) return work;
      const next = this.timers.shift();
      if (next === undefined) throw new Error('nothing will ever happen again');
      this.nowIsMs = next.atMs;
      next.run();
    }
  }
}

/** Resolves when every promise that is resolved by now has had its effects. */
export async function settled(): Promise<void> {
  for (let step = 0; step < 20; step += 1) await Promise.resolve();
}
