import { t } from '../store/statement.ts';

/** What the functions that admit a request answer, by `outcome`. */

/** What a request is answered with that came before. */
export const REPEATS = {
  /** The idempotency key came before, and its request is still running. */
  in_use: {},
  /** The idempotency key came with another body before. */
  reused: {},
  /** The idempotency key came over 72 h ago. */
  too_old: {},
  /** An SDK's retry means this generation, whose hold is not placed yet. */
  pending: { generationId: t.text, amountMicrocredits: t.bigint },
  /** The same request came before. Without a kept answer (a process died before it was kept), the generation tells. */
  replay: {
    generationId: t.nullable(t.text),
    status: t.integerOf<200 | 402>(),
    answer: t.jsonb<unknown>(),
    amountMicrocredits: t.bigint,
  },
};

const REFUSED = { amountMicrocredits: t.bigint };

export const ADMISSIONS = {
  ...REPEATS,
  admitted: { generationId: t.text, amountMicrocredits: t.bigint },
  exceeds_max_credits: REFUSED,
  account_frozen: REFUSED,
  insufficient_credits: REFUSED,
  too_many_active_generations: REFUSED,
  key_spend_limit: REFUSED,
  /** Nothing was written; `getSales` says why. */
  sales_closed: {},
  unknown_model: {},
  unknown_size: {},
  /** No charged and undeleted video of this account to be remixed. */
  unknown_original: {},
};

export const ADMISSION_COLUMNS = `outcome, generation_id AS "generationId", amount_microcredits AS "amountMicrocredits",
    answer_status AS status, answer`;
