/** Which movements of an account's credits are asked for: all that is given must match. */
export interface MovementFilter {
  readonly generationId?: string | undefined;
  /** From this moment on. */
  readonly createdAfter?: Date | undefined;
  /** Up to, but not including, this moment. */
  readonly createdBefore?: Date | undefined;
}

/** The condition for movements of the account `$1` between two moments, either of which may be null. */
export const between = (from: string, to: string) =>
  `account_id = $1 AND recorded_at >= COALESCE(${from}::timestamptz, '-infinity') AND recorded_at < COALESCE(${to}::timestamptz, 'infinity')`;

/**
 * The movements of a generation, as a table. They are found by their keys, which are unique, and so the journal needs no
 * index by generation. `OFFSET 0` keeps the planner from reading the whole account in the list's order instead.
 */
export const movementsOf = (generationId: string) =>
  `(SELECT * FROM journal_transactions WHERE key = ANY (ARRAY[${generationId} || ':hold', ${generationId} || ':settle']
      || ARRAY(SELECT ${generationId} || ':refund:' || r.key FROM refunds r WHERE r.generation_id = ${generationId})) OFFSET 0) AS journal_transactions`;
