import { CancellationScope, condition } from '@temporalio/workflow';
import type { GenerationRef } from '../contracts/activities.ts';
import { ledger, provider } from './activities.ts';
import type { Deadline } from './deadline.ts';
import { describe } from './describe.ts';
import { whoseFault } from './whoseFault.ts';

/**
 * A request to cancel, from the client (a signal; the API has recorded it) or from an operator who cancelled the workflow in
 * Temporal (recorded here). It moves no credits itself (MR-23, MR-24): before any attempt that may have made a video the hold
 * is released; after one, the video's terminal verdict settles it, unless its provider can end the work (MR-9). It only ends a
 * wait early: whether a cancel is wanted is read from the record, which outlives this run.
 */
export class Cancel {
  /** Set until a wait has seen it. */
  requested = false;
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

/**
 * Asks the provider to end its work; whether it has, by its own word (MR-9). Whatever else becomes of the call, the video is
 * looked at as before.
 */
export async function endWork({ generationId }: GenerationRef, deadline: Deadline): Promise<boolean> {
  describe('A cancel is requested. Asking the provider to end its work on the video.');
  try {
    return (
      await provider('ask the provider to end its work: a cancel is requested', deadline.leftMs()).cancelVideo({
        generationId,
      })
    ).ended;
  } catch (error) {
    // The hold's time is over. Whosever fault that is, `expire` reads what was recorded.
    whoseFault(error);
    return false;
  }
}
