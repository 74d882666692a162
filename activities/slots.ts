import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';

/**
 * Who may be at work at once in this process: so many in all, and so many of one tenant. Nobody waits for a place: who finds
 * none goes, and leaves the slot of the queue that it came in.
 */
export class Slots {
  private taken = 0;
  private readonly takenBy = new Map<string, number>();

  constructor(
    private readonly inAll: number,
    private readonly ofOne: number,
  ) {}

  /** Does the work in a place of this tenant's; where there is none, Temporal is told to try again later. */
  async run<Result>(tenant: string, work: () => Promise<Result>): Promise<Result> {
    const leave = this.enter(tenant);
    if (leave === undefined) throw busy();
    try {
      return await work();
    } finally {
      leave();
    }
  }

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

/** Without an event in the history. */
function busy(): ApplicationFailure {
  return ApplicationFailure.create({
    message: 'Others of this account, or of all, take what there is of the queue.',
    type: 'NoFreeSlot',
    category: ApplicationFailureCategory.BENIGN,
  });
}
