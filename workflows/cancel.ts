import { CancellationScope, condition } from '@temporalio/workflow';
import { ledger } from './activities.ts';

/**
 * Whether no video is wanted any more, by the client (a signal; the API has it on record) or by an operator who cancelled
 * the workflow in Temporal (recorded from here). It moves no credits by itself: before the first create that may have
 * made anything the hold is released, later the provider's last word settles it, for no provider has a cancel.
 */
export class Cancel {
  private wanted = false;
  private recording: Promise<void> | undefined;

  constructor(private readonly generationId: string) {}

  request(): void {
    this.wanted = true;
  }

  /** Takes a cancellation of `scope` as a wish of an operator, and puts it on record. */
  watch(scope: CancellationScope): void {
    scope.cancelRequested.catch(() => {
      this.wanted = true;
      this.recording = CancellationScope.nonCancellable(() =>
        ledger('record that an operator cancelled').recordCancel({ generationId: this.generationId }),
      );
    });
  }

  /** Resolves once an operator's wish is on record; a client's was, before the signal came. */
  async recorded(): Promise<void> {
    await this.recording;
  }

  /** Waits this long, or until a cancel comes; each ends one wait only. */
  async sleepUnlessRequested(delayMs: number, summary: string): Promise<void> {
    await condition(() => this.wanted, Math.max(1, delayMs), { summary });
    this.wanted = false;
  }
}
