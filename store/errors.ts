import pg from 'pg';

/**
 * What the ledger refuses by rule, not for lack of a connection. Each is a fault of the caller or of ours: asking again
 * gives the same answer, unless the database or the code changes.
 */
export type LedgerErrorCode =
  | 'unknown_generation'
  | 'unknown_account'
  | 'wrong_state'
  /** The database holds no proof for the settlement that was asked for (MR-1, MR-2). */
  | 'no_proof'
  | 'never_changes'
  | 'unbalanced'
  /** A capture of more than is held. */
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

const BY_SQLSTATE: Record<string, LedgerErrorCode> = {
  HF001: 'unknown_generation',
  HF002: 'wrong_state',
  HF003: 'no_proof',
  HF004: 'never_changes',
  HF006: 'exceeds_hold',
};

const BY_CONSTRAINT: Record<string, LedgerErrorCode> = {
  generations_pkey: 'already_admitted',
  journal_transactions_sum_to_zero: 'unbalanced',
};

/** The database could not be asked, or did not answer in time: the statement may or may not have been carried out. */
export class LedgerUnavailable extends Error {
  override readonly name = 'LedgerUnavailable';
  constructor(cause: unknown) {
    super('the database is away', { cause });
  }
}

/** Connection lost, rolled back for a deadlock, shutting down, out of resources, statement cancelled for its time. */
const AWAY = /^(08|40|53|57)/;

/**
 * SQLSTATE or constraint name → `LedgerError`; no connection → `LedgerUnavailable`; every other fault of the database comes
 * back unchanged, to be thrown on.
 */
export function translateError(error: unknown): unknown {
  // What is no answer of the server is a fault on the way to it.
  if (!(error instanceof pg.DatabaseError)) return new LedgerUnavailable(error);
  const sqlstate = error.code ?? '';
  if (AWAY.test(sqlstate)) return new LedgerUnavailable(error);
  // Classes 22 and 23: a value or a row that the schema refuses, now and at every later try.
  const refused = /^2[23]/.test(sqlstate) ? 'constraint' : undefined;
  const named = refused === undefined ? undefined : BY_CONSTRAINT[error.constraint ?? ''];
  const code = BY_SQLSTATE[sqlstate] ?? named ?? refused;
  return code === undefined ? error : new LedgerError(code, error);
}
