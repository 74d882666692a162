import type { Generations, Log } from './dependencies.ts';

const AT_ONCE = 10;
/** Who can't be told so often is not told: its workflow looks by itself. */
const MOST_TRIES = 30;

/**
 * Nudges that are counted and not sent yet. Temporal may be away: then they are tried again later, and what is lost with this process
 * costs time and never credits.
 */
export class SweepNudges {
  private readonly tries = new Map<string, number>();

  constructor(
    private readonly generations: Pick<Generations, 'nudge'>,
    private readonly log: Log,
  ) {}

  add(generationIds: readonly string[]): void {
    for (const id of generationIds) this.tries.set(id, 0);
  }

  /** Sends them, some at once. Ends with the first that fails: the others would too. */
  async send(): Promise<void> {
    while (this.tries.size > 0) {
      const some = [...this.tries.keys()].slice(0, AT_ONCE);
      const sent = await Promise.all(some.map((id) => this.sendOne(id)));
      if (sent.includes(false)) return;
    }
  }

  private async sendOne(generationId: string): Promise<boolean> {
    const tries = this.tries.get(generationId) ?? 0;
    this.tries.delete(generationId);
    try {
      await this.generations.nudge(generationId);
      return true;
    } catch (error) {
      this.log.warn(
        { err: error, generationId },
        'a workflow could not be told that the list shows an end; trying again',
      );
      // At the end of the line.
      if (tries < MOST_TRIES) this.tries.set(generationId, tries + 1);
      return false;
    }
  }
}
