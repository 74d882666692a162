import { type Clock, REAL_CLOCK } from './clock.ts';

interface Window {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** SDKs wait as long as they are told, if that is no more than this; else, and without being told, for some seconds at most. */
const LONGEST_TOLD_SECONDS = 60;
const EARLY_MS = 1000;
const LATE_MS = 20_000;
/** In all. Beyond, the oldest are forgotten. */
const MOST = 20_000;

/**
 * Tries of SDKs without an idempotency key that were refused here with nothing held. The next try of such a call is a new order, and
 * must not be taken for the retry of an equal one whose answer was lost. Each refusal makes room for one such try, so no more is ever
 * charged than calls were made.
 */
export class RefusedTries {
  private readonly windows = new Map<string, Window[]>();
  private count = 0;

  constructor(private readonly clock: Clock = REAL_CLOCK) {}

  /** Notes that a try was refused, and when its client was told to come again; 0 if it was not told. */
  note(tried: string, retryAfterSeconds = 0): void {
    if (this.count >= MOST) this.forgetOldest();
    const toldMs = retryAfterSeconds <= LONGEST_TOLD_SECONDS ? retryAfterSeconds * 1000 : 0;
    const fromMs = this.clock.nowMs() + toldMs - EARLY_MS;
    const windows = this.windows.get(tried) ?? [];
    windows.push({ fromMs, untilMs: fromMs + EARLY_MS + LATE_MS });
    this.windows.set(tried, windows);
    this.count += 1;
  }

  /** Whether a try equal to this one was refused and is expected again about now. Uses that up. */
  take(tried: string): boolean {
    const nowMs = this.clock.nowMs();
    const kept = (this.windows.get(tried) ?? []).filter(({ untilMs }) => untilMs >= nowMs);
    const place = kept.findIndex(({ fromMs }) => fromMs <= nowMs);
    if (place >= 0) kept.splice(place, 1);
    this.replace(tried, kept);
    return place >= 0;
  }

  private forgetOldest(): void {
    const oldest = this.windows.keys().next();
    if (!oldest.done) this.replace(oldest.value, []);
  }

  private replace(tried: string, kept: Window[]): void {
    this.count += kept.length - (this.windows.get(tried)?.length ?? 0);
    if (kept.length === 0) this.windows.delete(tried);
    else this.windows.set(tried, kept);
  }
}
