import type { Store } from '../../store/index.ts';

/** What this process has leased of a key's minute. */
interface Lease {
  /** When the key's minute ends, by `performance.now()`. */
  endsAtMs: number;
  /** Leased and not used yet. */
  left: number;
  used: number;
  /** Whether the minute has nothing left to lease. */
  isSpent: boolean;
  /** Requests that wait for the lease under way. */
  waiting: number;
  asking: Promise<void> | undefined;
}

/** A process leases at most this part of a key's limit ahead of the requests that it has. */
const LARGEST_PART = 1 / 20;

const MINUTE_MS = 60_000;

/**
 * The requests a minute of keys. The database counts for all processes; a process leases several requests at a time, so that
 * few of them cost a round trip. In a key's minute no more are let through than its limit. Fewer are if a process does not
 * use what it has leased ahead: at most a twentieth of the limit, and no more than it has used before. A limit below 20 is
 * exact.
 */
export class RequestRates {
  /** Those of keys without a request since their minute ended are dropped when another key's begins. */
  private readonly leases = new Map<string, Lease>();

  constructor(private readonly store: Pick<Store, 'leaseRequests'>) {}

  /** Takes one of the requests that this process has leased; false if it has none left. */
  takeLeased(key: string): boolean {
    const lease = this.leases.get(key);
    if (lease === undefined || lease.left === 0 || lease.endsAtMs <= performance.now()) return false;
    lease.left -= 1;
    lease.used += 1;
    return true;
  }

  /** Takes a request of a key. 0: it was taken; else the key has had all of its requests, until so many milliseconds later. */
  async take(key: string, requestsPerMinute: number): Promise<number> {
    while (!this.takeLeased(key)) {
      const lease = this.leaseOf(key);
      if (lease.isSpent) return Math.max(1, lease.endsAtMs - performance.now());
      lease.waiting += 1;
      lease.asking ??= this.ask(key, lease, requestsPerMinute);
      try {
        await lease.asking;
      } finally {
        // Before the next of those that wait goes on, so that who asks again asks for all that still wait.
        lease.waiting -= 1;
      }
    }
    return 0;
  }

  /** The key's lease of the minute that goes on, or of one that begins. */
  private leaseOf(key: string): Lease {
    const now = performance.now();
    const held = this.leases.get(key);
    if (held !== undefined && (held.endsAtMs > now || held.asking !== undefined)) return held;
    this.leases.delete(key);
    for (const [other, { endsAtMs, asking }] of this.leases) {
      if (endsAtMs > now || asking !== undefined) break;
      this.leases.delete(other);
    }
    const endsAtMs = now + MINUTE_MS;
    const lease: Lease = { endsAtMs, left: 0, used: 0, isSpent: false, waiting: 0, asking: undefined };
    this.leases.set(key, lease);
    return lease;
  }

  private async ask(key: string, lease: Lease, requestsPerMinute: number): Promise<void> {
    const wanted = lease.waiting + Math.min(lease.used, Math.floor(requestsPerMinute * LARGEST_PART));
    // The minute is counted from before the call, so that it ends here no later than in the database.
    const askedAtMs = performance.now();
    try {
      const { leased, endsInMs } = await this.store.leaseRequests({ key, requestsPerMinute, wanted });
      lease.left = leased;
      lease.isSpent = leased < wanted;
      lease.endsAtMs = askedAtMs + endsInMs;
    } finally {
      lease.asking = undefined;
    }
  }
}
