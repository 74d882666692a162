import type { PaidState } from '../contracts/states.ts';

/** Which movements of an account's credits are asked for: all that is given must match. */
export interface MovementFilter extends MovementTraits {
  readonly generationId?: string | undefined;
  /** From this moment on. */
  readonly createdAfter?: Date | undefined;
  /** Up to, but not including, this moment. */
  readonly createdBefore?: Date | undefined;
}

/** What no index finds: with any of these, movements are read until the page is full. */
interface MovementTraits {
  readonly kind?: string | undefined;
  /** Of the generation that it moved credits for. */
  readonly model?: string | undefined;
  readonly state?: PaidState | undefined;
}

/** The traits in the order of `hasTraits`. */
export function traitsOf({ kind, model, state }: MovementTraits) {
  return [kind ?? null, model ?? null, state ?? null] as const;
}

/** The condition for movements with these traits, each of which may be null. */
export const hasTraits = (kind: string, model: string, state: string) =>
  `COALESCE(kind = ${kind}, true) AND (COALESCE(${model}::text, ${state}) IS NULL OR EXISTS (
      SELECT FROM generations g WHERE g.id = journal_transactions.generation_id
        AND COALESCE(g.model = ${model}, true) AND COALESCE(g.state = ${state}, true)))`;

/** Reading an account to its end for a few movements may take as long. */
export const TRAITS_TIMEOUT_MS = 3000;

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
