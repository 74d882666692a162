/**
 * Who may be at work at once in this process: so many in all, and so many of one tenant. Nobody waits for a place: who finds
 * none goes, and leaves the slot of the queue that it came in.
 */
export class Lanes {
  private taken = 0;
  private readonly takenBy = new Map<string, number>();

  constructor(
    private readonly inAll: number,
    private readonly ofOne: number,
  ) {}

  /** Answers with how to leave again; undefined when there is no place. */
  enter(tenant: string): (() => void) | undefined {
    const mine = this.takenBy.get(tenant) ?? 0;
    if (this.taken >= this.inAll || mine >= this.ofOne) return undefined;
    this.taken += 1;
    this.takenBy.set(tenant, mine + 1);
    return () => this.leave(tenant);
  }

  private leave(tenant: string): void {
    this.taken -= 1;
    const left = (this.takenBy.get(tenant) ?? 1) - 1;
    if (left === 0) this.takenBy.delete(tenant);
    else this.takenBy.set(tenant, left);
  }
}
