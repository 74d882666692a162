import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';

/**
 * Limits how much work runs at once in this process, in all and for one tenant. Nothing waits for a slot: it fails at once when
 * no slot is free, and Temporal tries again later.
 */
export class Slots {
  private taken = 0;
  private readonly takenBy = new Map<string, number>();

  constructor(
    private readonly inAll: number,
    private readonly ofOne: number,
  ) {}

  /** Does the work in a slot of this tenant. Raises a retryable failure when no slot is free. */
  async run<Result>(tenant: string, work: () => Promise<Result>): Promise<Result> {
    const leave = this.enter(tenant);
    if (leave === undefined) throw busy();
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /** Takes a slot and returns how to give it back; undefined when no slot is free. */
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

/** Retried by Temporal without an event in the history. */
function busy(): ApplicationFailure {
  return ApplicationFailure.create({
    message: 'No slot of this queue is free for this account.',
    type: 'NoFreeSlot',
    category: ApplicationFailureCategory.BENIGN,
  });
}
