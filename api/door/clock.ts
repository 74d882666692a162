export interface Clock {
  readonly nowMs: () => number;
  /** Returns how to cancel it. */
  readonly after: (ms: number, run: () => void) => () => void;
}

export const REAL_CLOCK: Clock = {
  nowMs: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
