import pg from 'pg';

/**
 * A refusal by a rule of the ledger, not a lost connection. It is a mistake of the caller's or of ours: a retry gets the same
 * answer unless the database or the code changes.
 */
export type LedgerErrorCode =
  | 'unknown_generation'
  | 'unknown_account'
  | 'wrong_state'
  | 'no_proof'
  | 'never_changes'
  | 'unbalanced'
  | 'exceeds_hold'
  | 'already_admitted'
  /** Any other constraint, or a value out of range. */
  | 'constraint';

export class LedgerError extends Error {
  override readonly name = 'LedgerError';
  constructor(
    readonly code: LedgerErrorCode,
    cause: unknown,
  ) {
    super(cause instanceof Error ? cause.message : code, { cause });
  }
}

/** Every SQLSTATE of our own, as `migrations/functions` raises it. The comment of each function says which it raises. */
export const BY_SQLSTATE: Readonly<Record<string, LedgerErrorCode>> = {
  /** No generation has this id. */
  HF001: 'unknown_generation',
  /** The generation's state, kind or video does not allow the operation: a settlement of what is not held, an attempt of a claim. */
  HF002: 'wrong_state',
  /** The database holds no proof of what was asked for: of a settlement's reason (MR-1, MR-2), or that a content is gone (MR-59). */
  HF003: 'no_proof',
  /** The row, or this part of it, can't be changed (MR-42, MR-45, MR-70). */
  HF004: 'never_changes',
  /** More would be captured than is held (MR-8). */
  HF005: 'exceeds_hold',
};

const BY_CONSTRAINT: Record<string, LedgerErrorCode> = {
  generations_pkey: 'already_admitted',
  journal_transactions_sum_to_zero: 'unbalanced',
};

/** The database could not be reached, or did not answer in time. The statement may or may not have been carried out. */
export class LedgerUnavailable extends Error {
  override readonly name = 'LedgerUnavailable';
  constructor(cause: unknown) {
    super('the database is away', { cause });
  }
}

/**
 * Whether a prepared statement was refused, before it did anything, because a migration changed the type of a column of its answer.
 * Told by the routine: the code has other meanings, and the message is in the language of the server.
 */
export function isOutdatedPlan(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '0A000' && error.routine === 'RevalidateCachedQuery';
}

/** Connection lost, rolled back for a deadlock, shutting down, out of resources, statement cancelled for its time. */
const AWAY = /^(08|40|53|57)/;

/**
 * SQLSTATE or constraint name → `LedgerError`; no connection → `LedgerUnavailable`; every other error of the database is
 * returned unchanged, for the caller to throw.
 */
export function translateError(error: unknown): unknown {
  // An error that is not an answer of the server is a fault of the connection.
  if (!(error instanceof pg.DatabaseError)) return new LedgerUnavailable(error);
  const sqlstate = error.code ?? '';
  if (AWAY.test(sqlstate) || isOutdatedPlan(error)) return new LedgerUnavailable(error);
  // Classes 22 and 23: the schema refuses a value or a row, and will refuse it at every retry.
  const refused = /^2[23]/.test(sqlstate) ? 'constraint' : undefined;
  const named = refused === undefined ? undefined : BY_CONSTRAINT[error.constraint ?? ''];
  const code = BY_SQLSTATE[sqlstate] ?? named ?? refused;
  return code === undefined ? error : new LedgerError(code, error);
}
