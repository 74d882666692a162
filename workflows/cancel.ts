import { CancellationScope, condition } from '@temporalio/workflow';
import { ledger } from './activities.ts';

/**
 * A request to cancel, from the client (a signal; the API has recorded it) or from an operator who cancelled the workflow in
 * Temporal (recorded here). It moves no credits itself (MR-23, MR-24): before any attempt that may have made a video the hold
 * is released; after one, the video's terminal verdict settles it, because no provider can cancel a video.
 */
export class Cancel {
  private requested = false;
  private recording: Promise<void> | undefined;

  constructor(private readonly generationId: string) {}

  request(): void {
    this.requested = true;
  }

  /** Treats a cancellation of `scope` as an operator's request, and records it. */
  watch(scope: CancellationScope): void {
    scope.cancelRequested.catch(() => {
      this.requested = true;
      this.recording = CancellationScope.nonCancellable(() =>
        ledger('record that an operator cancelled the workflow').recordCancel({ generationId: this.generationId }),
      );
    });
  }

  /** Resolves once an operator's request is recorded. A client's request was recorded before its signal was sent. */
  async recorded(): Promise<void> {
    await this.recording;
  }

  /** Waits until the delay has passed or a cancel is requested. One request ends one wait only. */
  async sleepUnlessRequested(delayMs: number, summary: string): Promise<void> {
    await condition(() => this.requested, Math.max(1, delayMs), { summary });
    this.requested = false;
  }
}
