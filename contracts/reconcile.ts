/**
 * The reconciler finishes what a workflow did not because it was terminated, lost or stuck (MR-56). It describes the workflow
 * of each hold, for a list of workflows may lag behind, and settles with the same functions as the workflow.
 */

export const RECONCILE_HOLDS = 'reconcileHolds';

/** The id of the Temporal Schedule that runs it. */
export const RECONCILE_SCHEDULE_ID = 'reconcile-holds';

/** Of its runs, this many in a row may be missed before something is wrong. */
export const MISSED_RUNS = 3;

/** A workflow that still runs this long after its hold's end is stuck: only a last look and a release were left to do. */
export const STUCK_AFTER_MS = 10 * 60_000;

/** What must be done about a hold, and why. */
export interface Finding {
  readonly generationId: string;
  readonly accountId: string;
  readonly providerVideoId: string | null;
  readonly isClaim: boolean;
  /** How long the hold's end has passed, by the database's clock; negative while time is left. */
  readonly overdueMs: number;
  /**
   * `resume`: start its workflow again with the same id. `settle`: look once more, then settle. `archive`: start the copy of its
   * content.
   */
  readonly action: 'resume' | 'settle' | 'archive';
  readonly why: string;
}

export interface Survey {
  readonly checked: number;
  readonly findings: readonly Finding[];
  /** The start of the next page; null after the last one. */
  readonly next: string | null;
}

/** A generation that was released before its video's outcome was known. */
export interface Followed {
  readonly generationId: string;
  readonly providerVideoId: string | null;
  /** One of its attempts may have made a video that is not known yet. */
  readonly hasOpenAttempt: boolean;
  /** Released over a day ago: it is no longer followed. */
  readonly isOver: boolean;
}

export interface Orphans {
  readonly count: number;
  readonly sample: string[];
}

/** What a run did or, in a dry run, would do. */
export interface Act {
  readonly generation_id: string;
  readonly action: 'resume' | 'settle' | 'archive';
  readonly why: string;
  /** `would` in a dry run, else the result. `not now`: it could not be done; the next run tries again. */
  readonly outcome: string;
}

/**
 * What a run of the reconciler found and did: the body that `POST /admin/reconcile` answers. What was not counted is null, for
 * that is not the same as none: in a dry run what only a real run does, and whatever could not be read.
 */
export interface ReconcileReport {
  readonly dry_run: boolean;
  holds_checked: number;
  /** The first few hundred; `acts_made` counts all of them. */
  readonly acts: Act[];
  acts_made: number;
  /** Holds past their end that a fault of ours keeps open: an operator is alerted, and the next run tries again. */
  holds_overdue: number | null;
  /** Requests whose time to be held was over. */
  requests_voided: number | null;
  /** Overdue webhooks to tenants that nobody was sending. */
  webhooks_resumed: number | null;
  /** Released generations whose video was looked at. */
  followed: number | null;
  /** Those of them that are followed no longer: a day has passed. */
  follow_ended: number | null;
  /** Videos that completed after their refund and that nobody claimed in time. */
  videos_deleted: number | null;
  /** Videos at the provider that belong to no generation. Never deleted. */
  orphans: Orphans | null;
  /** Whose balances were compared with the journal. */
  accounts_compared: number | null;
  /** Rows of `ledger_drift` for these accounts: always 0. */
  differences: number | null;
}

export interface ReconcileInput {
  readonly dryRun: boolean;
  /** Set when the run continues one whose history grew long. */
  readonly after?: string;
  readonly report?: ReconcileReport;
}

/** On the ledger's queue: each is short. */
export interface ReconcileActivities {
  /** The next holds, in the order of their ids, and what must be done about them. Changes nothing. */
  surveyHolds(input: { after: string | null; limit: number }): Promise<Survey>;
  /** A page of the recently charged generations whose content nobody archives. Changes nothing. */
  surveyArchive(input: { offset: number; limit: number }): Promise<Omit<Survey, 'next'>>;
  /** Starts the generation's workflow again; `running` when it runs already. */
  resumeGeneration(input: { generationId: string; accountId: string }): Promise<'resumed' | 'running'>;
  /** Voids requests whose time to be held is over. */
  voidLateRequests(): Promise<number>;
  /** A page of the followed generations, in an order that the seed determines. */
  listFollowed(input: { seed: string; offset: number; limit: number }): Promise<readonly Followed[]>;
  /** Ends the following, a day after the release: the generation no longer counts towards its account's cap. */
  stopFollowing(input: { generationId: string }): Promise<boolean>;
  /** Generations whose late video can no longer be claimed, in an order that the seed determines. */
  listUnclaimed(input: { seed: string; limit: number }): Promise<readonly string[]>;
  /** Compares the next accounts' balances with the journal. */
  compareBalances(): Promise<{ accounts: number; differences: number }>;
}

/** On the provider's queue. */
export interface ReconcileProviderActivities {
  /** Deletes a late video that nobody claimed; false when it was claimed after all. */
  deleteUnclaimed(input: { generationId: string }): Promise<boolean>;
  /** The provider's videos of the last day that belong to no generation, except those that were just made. */
  findOrphans(): Promise<Orphans>;
}
