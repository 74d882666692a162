/** A request is never told to come later than this. */
const HORIZON_SECONDS = 120;
/** How late a request may come and still keep its appointment: its wait begins when our answer arrives. */
const LATE_SECONDS = 10;
/**
 * How much of a second's room is given to an owner without any appointment, to one with less than its share of that second, and
 * to the others. The rest makes up for a pace that was overestimated.
 */
const GIVEN = { toNewcomers: 1.2, inFairShares: 0.96, toAnybody: 0.88 };

interface Second {
  total: number;
  readonly by: Map<string, number>;
}

/** The times at which refused requests were told to come again: for each second only as many as can start in it. */
export class Appointments {
  private readonly seconds = new Map<number, Second>();

  /**
   * Returns the first second from `from` on that has room, and takes a place in it. If none has, returns the last one that may
   * be told, without a place.
   */
  make(owner: string, from: number, perSecond: number): number {
    const isNewcomer = !this.has(owner);
    for (let at = from; at < from + HORIZON_SECONDS; at += 1) {
      const second = this.seconds.get(at) ?? { total: 0, by: new Map<string, number>() };
      const own = second.by.get(owner) ?? 0;
      const owners = second.by.size + (own === 0 ? 1 : 0);
      const isBelowShare = own + 1 < perSecond / owners;
      const given = isNewcomer ? GIVEN.toNewcomers : isBelowShare ? GIVEN.inFairShares : GIVEN.toAnybody;
      if (second.total >= Math.max(1, perSecond * given)) continue;
      second.total += 1;
      second.by.set(owner, own + 1);
      this.seconds.set(at, second);
      return at;
    }
    return from + HORIZON_SECONDS;
  }

  /** Whether this owner has an appointment about now. */
  isDue(owner: string, now: number): boolean {
    return [...this.seconds].some(([at, { by }]) => at >= now - LATE_SECONDS && at <= now && by.has(owner));
  }

  /** Uses up an appointment that this owner has about now. Returns false if it has none. */
  keep(owner: string, now: number): boolean {
    for (const [at, second] of this.seconds) {
      if (at < now - LATE_SECONDS) this.seconds.delete(at);
      else if (at <= now && take(second, owner)) return true;
    }
    return false;
  }

  /** For an owner with appointments, how many requests are expected in this second and the next: they go before a new one. */
  countBefore(owner: string, now: number): number {
    if (!this.has(owner)) return 0;
    return [now, now + 1].reduce((sum, at) => sum + (this.seconds.get(at)?.total ?? 0), 0);
  }

  private has(owner: string): boolean {
    return [...this.seconds.values()].some(({ by }) => by.has(owner));
  }
}

function take(second: Second, owner: string): boolean {
  const own = second.by.get(owner) ?? 0;
  if (own === 0) return false;
  second.total -= 1;
  if (own === 1) second.by.delete(owner);
  else second.by.set(owner, own - 1);
  return true;
}
