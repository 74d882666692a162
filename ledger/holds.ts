import type { HoldPlacement, HoldRefusalCode, Settlement, SettleResult } from '../contracts/activities.ts';
import type { GenerationState, SettlementReason } from '../contracts/states.ts';
import { inTurn } from './accountTurns.ts';
import type { Database } from '../store/database.ts';
import { row } from '../store/query.ts';
import { cases, defineStatement, t, type Columns } from '../store/statement.ts';

const SETTLEMENT = { charged: t.boolean, reason: t.word<SettlementReason>(), errorCode: t.nullable(t.text) };
const SETTLED = { accountId: t.text, ...SETTLEMENT };
const REFUSED = { accountId: t.text, refusalCode: t.word<HoldRefusalCode>() };

const PLACE_HOLD = defineStatement({
  name: 'place_hold',
  text: `SELECT state, refusal_code AS "refusalCode", account_id AS "accountId", hold_id AS "holdId",
      amount_microcredits AS "amountMicrocredits", time_left_ms AS "timeLeftMs", hold_ttl_ms AS "holdTtlMs", model, seconds, size,
      expected_duration_ms AS "expectedDurationMs", provider_video_id AS "providerVideoId", is_claim AS "isClaim",
      attempt_may_have_arrived AS "attemptMayHaveArrived", credits_charged AS charged, settlement_reason AS reason,
      error_code AS "errorCode", placed_now AS "placedNow"
    FROM place_hold($1, $2)`,
  row: cases('state', {
    held: {
      accountId: t.text,
      holdId: t.text,
      amountMicrocredits: t.bigint,
      timeLeftMs: t.bigint,
      holdTtlMs: t.bigint,
      model: t.text,
      seconds: t.nullable(t.integer),
      size: t.nullable(t.text),
      expectedDurationMs: t.nullable(t.bigint),
      providerVideoId: t.nullable(t.text),
      isClaim: t.boolean,
      attemptMayHaveArrived: t.boolean,
      placedNow: t.boolean,
    },
    charged: SETTLED,
    released: SETTLED,
    refused: REFUSED,
    voided: REFUSED,
  } satisfies Record<Exclude<GenerationState, 'requested'>, Columns>),
});

/** What is on record, by the reason for which it settles the hold. */
const VERDICTS = { completed: 'completed', provider_failed: 'failed', cancelled: 'ended' } as const;

const SETTLE = defineStatement({
  name: 'settle_generation',
  text: `SELECT result, credits_charged AS charged, settlement_reason AS reason, error_code AS "errorCode",
      time_left_ms AS "timeLeftMs", amount_microcredits AS "amountMicrocredits"
    FROM settle_generation($1, $2, $3)`,
  row: cases('result', {
    settled: { ...SETTLEMENT, amountMicrocredits: t.bigint },
    repeated: SETTLEMENT,
    conflict: SETTLEMENT,
    not_due: { timeLeftMs: t.bigint },
    terminal: { reason: t.word<keyof typeof VERDICTS>() },
  }),
});

/** A movement of credits, for the log. Only the call that made it reports it. */
export type Movement = {
  readonly generationId: string;
  readonly amountMicrocredits: number;
} & (
  | { readonly kind: 'hold'; readonly holdId: string }
  | { readonly kind: 'capture' | 'release'; readonly reason: SettlementReason; readonly errorCode: string | null }
);

/**
 * Moves the generation's price from available to held, once; later calls return the hold as it is. With `accountId` it waits
 * for its turn among that account's movements. Raises `LedgerError` `unknown_generation`.
 */
export async function placeHold(
  db: Database,
  generationId: string,
  holdTtlSeconds: number,
  accountId?: string,
  onMovement: (movement: Movement) => void = () => undefined,
): Promise<HoldPlacement> {
  const placed = await inTurn(db, accountId, () => row(db, PLACE_HOLD, [generationId, holdTtlSeconds]));
  db.changed(generationId);
  switch (placed.state) {
    case 'held': {
      const { state: outcome, placedNow, ...hold } = placed;
      const { holdId, amountMicrocredits } = hold;
      if (placedNow) onMovement({ kind: 'hold', generationId, holdId, amountMicrocredits });
      return { outcome, ...hold };
    }
    case 'charged':
    case 'released':
      return { outcome: 'settled', accountId: placed.accountId, settlement: settlementOf(placed) };
    case 'refused':
    case 'voided':
      return { outcome: 'refused', code: placed.refusalCode, accountId: placed.accountId };
  }
}

export interface SettleOptions {
  /** If given, the call waits for its turn among that account's movements. */
  readonly accountId?: string;
  /** For a capture: the part of the hold to charge; the rest is returned. All of it by default; 0 releases. */
  readonly chargeMicrocredits?: number;
  readonly onMovement?: (movement: Movement) => void;
}

/**
 * Captures (`completed`) or releases (any other reason) the hold, once. Raises `LedgerError` `no_proof` when the database
 * has no proof of the reason, `wrong_state` when nothing was ever held, `exceeds_hold` for a charge above the hold.
 */
export async function settleGeneration(
  db: Database,
  generationId: string,
  reason: SettlementReason,
  { accountId, chargeMicrocredits, onMovement }: SettleOptions = {},
): Promise<SettleResult> {
  const settled = await inTurn(db, accountId, () => row(db, SETTLE, [generationId, reason, chargeMicrocredits]));
  db.changed(generationId);
  switch (settled.result) {
    case 'not_due':
      return { result: 'not_due', timeLeftMs: settled.timeLeftMs };
    case 'terminal':
      return { result: 'terminal', look: { verdict: VERDICTS[settled.reason] } };
    case 'settled': {
      const settlement = settlementOf(settled);
      const kind = settlement.charged ? 'capture' : 'release';
      onMovement?.({ kind, generationId, amountMicrocredits: settled.amountMicrocredits, ...settlement });
      return { result: 'settled', settlement };
    }
    case 'repeated':
      return { result: 'settled', settlement: settlementOf(settled) };
    case 'conflict':
      return { result: 'conflict', settlement: settlementOf(settled) };
  }
}

const NOTE_REFUSAL = defineStatement({
  name: 'record_settlement_refusal',
  text: 'SELECT record_settlement_refusal($1, $2, $3)',
  row: {},
});

/** Records that a rule refuses the settlement. Ten minutes after the first record an emergency release is allowed (MR-21). */
export async function recordSettlementRefusal(
  db: Database,
  generationId: string,
  reason: string,
  why: string,
): Promise<void> {
  await row(db, NOTE_REFUSAL, [generationId, reason, why]);
}

function settlementOf({ charged, reason, errorCode }: Settlement): Settlement {
  return { charged, reason, errorCode };
}
