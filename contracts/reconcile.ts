/**
 * The reconciler finishes what a workflow did not: terminated, lost, stuck (MR-56). It asks Temporal
 * about each hold by describe, never by list, and settles by the same functions as the workflow.
 */

export const RECONCILE_HOLDS = 'reconcileHolds';

/** The id of the Temporal Schedule that runs it. */
export const RECONCILE_SCHEDULE_ID = 'reconcile-holds';

/** Past its hold's end by this, a workflow that runs is stuck: it had its last look and its release to do. */
export const STUCK_AFTER_MS = 10 * 60_000;

/** What has to be done about a hold, and why. */
export interface Finding {
  readonly generationId: string;
  readonly accountId: string;
  readonly providerVideoId: string | null;
  readonly isClaim: boolean;
  /** Past the hold's end, by the database's clock; below zero while there is time left. */
  readonly overdueMs: number;
  /** `resume`: start its workflow again under the same id. `settle`: look once more, then settle or release. */
  readonly action: 'resume' | 'settle';
  readonly why: string;
}

export interface Survey {
  readonly checked: number;
  readonly findings: readonly Finding[];
  /** Where the next page begins; null after the last one. */
  readonly next: string | null;
}

/** A generation that was released before its video's end was known. */
export interface Followed {
  readonly generationId: string;
  readonly providerVideoId: string | null;
  /** An attempt of it may have made a video that isn't known yet. */
  readonly hasOpenAttempt: boolean;
  /** Released over a day ago: it is not followed any longer. */
  readonly isOver: boolean;
}

export interface Orphans {
  readonly count: number;
  readonly sample: string[];
}

/** What a run did, or would do; `not now`: it could not be done, and the next run tries again. */
export interface Act {
  readonly generation_id: string;
  readonly action: 'resume' | 'settle' | 'archive';
  readonly why: string;
  /** `would` in a dry run; else what it came to. */
  readonly outcome: string;
}

/** What a run of the reconciler found and did; as `POST /admin/reconcile` answers. */
export interface ReconcileReport {
  readonly dry_run: boolean;
  holds_checked: number;
  /** The first few hundred; `acts_made` counts them all. */
  readonly acts: Act[];
  acts_made: number;
  /** Past their end, and kept there by a fault of ours: alerted, and tried again by the next run. */
  holds_overdue: number;
  /** Requests that nobody will hold any more. */
  requests_voided: number;
  /** Webhooks to tenants whose time had passed and that nobody was sending. */
  webhooks_resumed: number;
  /** Released generations whose video was looked at, and those that are followed no longer. */
  followed: number;
  follow_ended: number;
  /** Late videos that nobody claimed in time. */
  videos_deleted: number;
  /** Videos at the provider that no generation owns; null when its list could not be read. Never deleted. */
  orphans: Orphans | null;
  /** Null when they could not be compared. */
  accounts_compared: number | null;
  /** Rows of `ledger_drift` among them: always 0. */
  differences: number | null;
}

export interface ReconcileInput {
  readonly dryRun: boolean;
  /** Of a run that goes on where an earlier one's history grew long. */
  readonly after?: string;
  readonly report?: ReconcileReport;
}

/** On the ledger's queue: short. */
export interface ReconcileActivities {
  /** The next holds in the order of their ids, and what has to be done about them. Changes nothing. */
  surveyHolds(input: { after: string | null; limit: number }): Promise<Survey>;
  /** The charged generations of the last days whose content nobody archives, a page of them. Changes nothing. */
  surveyArchive(input: { offset: number; limit: number }): Promise<Omit<Survey, 'next'>>;
  /** Starts the generation's workflow again; `running` when one runs by now. */
  resumeGeneration(input: { generationId: string; accountId: string }): Promise<'resumed' | 'running'>;
  /** Voids requests whose time to be held is over. */
  voidLateRequests(): Promise<number>;
  /** A page of them, in an order of the seed's own. */
  listFollowed(input: { seed: string; offset: number; limit: number }): Promise<readonly Followed[]>;
  /** Lets it count no longer against its account's cap, a day after its release. */
  stopFollowing(input: { generationId: string }): Promise<boolean>;
  /** Late videos whose time to be claimed is over, in an order of the seed's own. */
  listUnclaimed(input: { seed: string; limit: number }): Promise<readonly string[]>;
  /** Compares the next accounts' balances with the journal. */
  compareBalances(): Promise<{ accounts: number; differences: number }>;
}

/** On the provider's queue. */
export interface ReconcileProviderActivities {
  /** Deletes a late video that nobody claimed; false while it is claimed after all. */
  deleteUnclaimed(input: { generationId: string }): Promise<boolean>;
  /** The provider's videos of the last day that no generation owns; one that was just made is none. */
  findOrphans(): Promise<Orphans>;
}
