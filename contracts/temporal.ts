import type { defineSearchAttributeKey, SignalDefinition, UpdateDefinition } from '@temporalio/common';
import type { GenerationRef, HoldPlacement } from './activities.ts';
import { isVideoId } from './ids.ts';

/** Task queues. Calls that wait for the provider, and copies, never take a slot from the ledger (MR-92). */
export const TASK_QUEUE = {
  workflowsAndLedger: 'holdfast',
  provider: 'holdfast-provider',
  outbound: 'holdfast-outbound',
} as const;

/** Temporal's name for all workers of Holdfast; each build of the workflows is a version of this deployment. */
export const WORKER_DEPLOYMENT = 'holdfast';

/**
 * Temporal's priorities, 1 to 5, of what waits in one task queue; 3 is what names none. Activities and children have their
 * workflow's, unless they name their own. (The calls that decide how a hold ends have the first: `URGENT`.)
 */
export const PRIORITY = {
  /** A client waits for a generation's first steps. */
  generation: { priorityKey: 2 },
  /** Nobody waits for what is copied or told when the credits have moved. */
  afterwards: { priorityKey: 4 },
} as const;

/**
 * How a content is copied to the archive. A copy may be slow as long as it heartbeats; the next try resumes where the last one
 * broke off.
 */
export const COPY = {
  taskQueue: TASK_QUEUE.outbound,
  /** The longest that one try may take. */
  startToCloseTimeout: 3_600_000,
  heartbeatTimeout: '12 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '2 minutes' },
} as const;

/** The id of the standalone activity that copies a charged video's content; one runs at a time. */
export const archiveActivityId = (generationId: string): string => `archive_${generationId}`;

export const GENERATE_VIDEO = 'generateVideo';
export const GENERATE_TEXT = 'generateText';

/** The workflow of a generation, by the kind that its id begins with. */
export function workflowTypeOf(generationId: string): typeof GENERATE_VIDEO | typeof GENERATE_TEXT {
  return isVideoId(generationId) ? GENERATE_VIDEO : GENERATE_TEXT;
}

/** Ids and amounts only: no prompt, file or key ever enters a history (MR-80). */
export type GenerationInput = GenerationRef;

export interface GenerationResult {
  readonly generationId: string;
  readonly outcome: Exclude<HoldfastOutcome, 'held'>;
  readonly errorCode: string | null;
}

/**
 * Sent together with the start (update-with-start); returns the result of placing the hold. Its id is fixed, so a repeated
 * request gets the first answer.
 */
export const PLACED_UPDATE = { type: 'update', name: 'placed' } as UpdateDefinition<HoldPlacement, [], 'placed'>;
export const PLACED_UPDATE_ID = 'placed';

/** Makes the workflow look now, because the provider sent an event. It carries nothing: only our own look is evidence. */
export const PROVIDER_EVENT = { type: 'signal', name: 'providerEvent' } as SignalDefinition<[], 'providerEvent'>;

/** The client cancelled. That is on record before this is sent; the signal only ends a wait early. */
export const CANCEL_REQUESTED = { type: 'signal', name: 'cancelRequested' } as SignalDefinition<[], 'cancelRequested'>;

/** The values of the search attribute `HoldfastOutcome`. */
export type HoldfastOutcome = 'held' | 'captured' | 'released' | 'expired' | 'refused';

/** What operators search workflows by: keys as `defineSearchAttributeKey` makes them, whose package is not imported here. */
export const SEARCH_ATTRIBUTE = {
  account: { name: 'HoldfastAccount', type: 'KEYWORD' },
  outcome: { name: 'HoldfastOutcome', type: 'KEYWORD' },
  errorCode: { name: 'HoldfastErrorCode', type: 'KEYWORD' },
  providerVideo: { name: 'HoldfastProviderVideo', type: 'KEYWORD' },
} as const satisfies Record<string, ReturnType<typeof defineSearchAttributeKey<'KEYWORD'>>>;
