import type { RefusedField } from '../contracts/offers.ts';
import { t } from '../store/statement.ts';

/** The results of the functions that admit a request, by `outcome`. */

/** The results for a repeated request. */
export const REPEATS = {
  /** The first request with this idempotency key is still running. */
  in_use: {},
  /** The idempotency key was used with another body. */
  reused: {},
  /** The idempotency key was used over 72 h ago. */
  too_old: {},
  /** An SDK's retry repeats the request of this generation, whose hold is not placed yet. */
  pending: { generationId: t.text, amountMicrocredits: t.bigint },
  /** A repeat. If no answer was kept (the process died before), the answer is made from the generation. */
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
  /** Nothing was written: its provider does not answer our probes (MR-76). */
  provider_down: {},
  /** Nothing was written: its provider has as many videos as it may have at once (MR-99). */
  provider_full: {},
  unknown_model: {},
  unknown_size: {},
  /** The configuration does not name the provider of the model. */
  no_provider: {},
  /** A field is none of what is sold of the model. */
  refused: { answer: t.jsonb<RefusedField>() },
  /** The account has no such charged and undeleted video to remix. */
  unknown_original: {},
};

export const ADMISSION_COLUMNS = `outcome, generation_id AS "generationId", amount_microcredits AS "amountMicrocredits",
    answer_status AS status, answer`;
