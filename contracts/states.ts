/**
 * The states of what is paid for, and how they follow each other. PostgreSQL has the same lists as CHECK constraints, and its
 * triggers allow the same steps: `test/integration/ledger-states.test.ts` compares the two.
 */

/** From each state, the states that may follow it. A state that none follows is final. */
type Steps = Readonly<Record<string, readonly string[]>>;

export const GENERATION_STEPS = {
  /** Admitted by the API. Nothing is held yet. */
  requested: ['held', 'refused', 'voided'],
  held: ['charged', 'released'],
  charged: [],
  released: [],
  /** No hold could be placed. */
  refused: [],
  /** Given up by the API before a hold was placed. */
  voided: [],
} as const satisfies Steps;

export type GenerationState = keyof typeof GENERATION_STEPS;

/** Of a generation that has, or had, a hold: the only ones that its owner is shown. */
export type PaidState = 'held' | (typeof GENERATION_STEPS)['held'][number];

export const HOLD_STEPS = {
  active: ['captured', 'released'],
  captured: [],
  released: [],
} as const satisfies Steps;

export type HoldState = keyof typeof HOLD_STEPS;

/** Of one call that may make something at the provider. In PostgreSQL an open attempt has no outcome. */
export const ATTEMPT_STEPS = {
  /** Begun. It may have arrived. */
  open: ['created', 'adopted', 'refused', 'not_made', 'not_found', 'conflict'],
  created: [],
  /** Its reply was lost, and its video was found in the provider's list. */
  adopted: [],
  /** For what the client asked: nothing was made, and nothing else will be. */
  refused: [],
  /** Proven that nothing was made, for a reason that passes. */
  not_made: [],
  /** Its reply was lost, and the provider's list does not have its video. */
  not_found: [],
  /** Answered with the id of another generation's video. */
  conflict: [],
} as const satisfies Steps;

export type AttemptOutcome = (typeof ATTEMPT_STEPS)['open'][number];

/** What a look says about a video. The first terminal verdict on record stands. */
export const VERDICT_STEPS = {
  open: ['completed', 'failed'],
  completed: [],
  failed: [],
} as const satisfies Steps;

export type Verdict = keyof typeof VERDICT_STEPS;
/** Why a hold was settled, and what its generation came to. Each needs its own proof, which `settle_generation` checks (MR-1, MR-2). */
export const SETTLEMENTS = {
  completed: 'charged',
  /** A text of which nothing was delivered. */
  nothing_to_charge: 'released',
  /** The provider's `failed`, retrieved by us. */
  provider_failed: 'released',
  /** A definite refusal of the attempt for what the client asked. */
  submission_refused: 'released',
  /** Too little time left for an attempt, and none may have made anything. */
  provider_unavailable: 'released',
  /** Cancelled, and every attempt so far was proven to have made nothing, or looked for and not found. */
  cancelled: 'released',
  /** Three attempts were begun, each was looked for, and nothing was found. */
  create_failed: 'released',
  /** The hold's time is over. */
  expired: 'released',
  /** The ledger refused every other settlement for ten minutes. */
  emergency: 'released',
} as const satisfies Readonly<Record<string, (typeof GENERATION_STEPS)['held'][number]>>;

export type SettlementReason = keyof typeof SETTLEMENTS;

/** What a workflow releases a hold for. The other two reasons are the database's to find. */
export type ReleaseReason = Exclude<SettlementReason, 'completed' | 'nothing_to_charge' | 'emergency'>;
