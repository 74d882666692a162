/** A measurement loses two thirds of its weight after this much more measured time. */
const MEMORY_SECONDS = 10;
/** Assumed before anything was measured, with the weight of this much measured time. */
const PRIOR = { perSecond: 25, seconds: 3 };
/** Two starts at once are as fast as one: each spends much of its time waiting for other processes. */
const AT_ONCE_AT_LEAST = 2;
/** The most that one start counts for, so that an outage does not lower the pace after it. */
const MOST_SECONDS = 1;

/** How many starts can end in a second, as measured: by Temporal, the workers, the database and this process together. */
export class Pace {
  private ends = PRIOR.perSecond * PRIOR.seconds;
  private seconds = PRIOR.seconds;

  get perSecond(): number {
    return this.ends / this.seconds;
  }

  /** A start took this long while so many were under way: so many end in that time (Little's law). */
  ended(tookMs: number, atOnce: number): void {
    const seconds = Math.min(tookMs / 1000 / Math.max(atOnce, AT_ONCE_AT_LEAST), MOST_SECONDS);
    const kept = Math.exp(-seconds / MEMORY_SECONDS);
    this.ends = this.ends * kept + 1;
    this.seconds = this.seconds * kept + seconds;
  }
}
