import type { HoldPlacement, HoldRefusalCode, Settlement, SettleResult } from '../contracts/activities.ts';
import type { GenerationState, SettlementReason } from '../contracts/states.ts';
import { inTurn } from './accountTurns.ts';
import type { Database } from '../store/database.ts';
import { row } from '../store/query.ts';

const PLACE_HOLD = { name: 'place_hold', text: 'SELECT * FROM place_hold($1, $2)' };
const SETTLE = { name: 'settle_generation', text: 'SELECT * FROM settle_generation($1, $2, $3)' };

interface PlacedRow {
  state: Exclude<GenerationState, 'requested'>;
  refusal_code: HoldRefusalCode;
  account_id: string;
  hold_id: string;
  amount_microcredits: number;
  time_left_ms: number;
  hold_ttl_ms: number;
  model: string;
  seconds: number;
  size: string;
  expected_duration_ms: number | null;
  provider_video_id: string | null;
  is_claim: boolean;
  attempt_may_have_arrived: boolean;
  credits_charged: boolean;
  settlement_reason: SettlementReason;
  error_code: string | null;
  placed_now: boolean;
}

/** A movement of credits, told once, by the call that made it: for the log. Ids, amount and reason. */
export type Movement = {
  readonly generationId: string;
  readonly amountMicrocredits: number;
} & (
  | { readonly kind: 'hold'; readonly holdId: string }
  | { readonly kind: 'capture' | 'release'; readonly reason: SettlementReason; readonly errorCode: string | null }
);

/**
 * Moves the generation's price from available to held, once; every later call answers with the hold as it stands. Raises
 * `LedgerError` `unknown_generation`. With the `accountId` it waits for its turn among the movements of that account.
 */
export async function placeHold(
  db: Database,
  generationId: string,
  holdTtlSeconds: number,
  accountId?: string,
  told: (movement: Movement) => void = () => undefined,
): Promise<HoldPlacement> {
  const placed = await inTurn(db, accountId, () => row<PlacedRow>(db, PLACE_HOLD, [generationId, holdTtlSeconds]));
  db.changed(generationId);
  if (placed.placed_now) {
    told({ kind: 'hold', generationId, holdId: placed.hold_id, amountMicrocredits: placed.amount_microcredits });
  }
  switch (placed.state) {
    case 'held':
      return {
        outcome: 'held',
        holdId: placed.hold_id,
        accountId: placed.account_id,
        amountMicrocredits: placed.amount_microcredits,
        timeLeftMs: placed.time_left_ms,
        holdTtlMs: placed.hold_ttl_ms,
        model: placed.model,
        seconds: placed.seconds,
        size: placed.size,
        expectedDurationMs: placed.expected_duration_ms,
        providerVideoId: placed.provider_video_id,
        isClaim: placed.is_claim,
        attemptMayHaveArrived: placed.attempt_may_have_arrived,
      };
    case 'charged':
    case 'released':
      return { outcome: 'settled', accountId: placed.account_id, settlement: settlementOf(placed) };
    case 'refused':
    case 'voided':
      return { outcome: 'refused', code: placed.refusal_code, accountId: placed.account_id };
  }
}

interface SettledRow {
  result: 'settled' | 'repeated' | 'conflict' | 'not_due' | 'terminal';
  credits_charged: boolean;
  settlement_reason: SettlementReason;
  error_code: string | null;
  time_left_ms: number;
  /** Of `settled`. */
  amount_microcredits: number;
}

export interface SettleOptions {
  /** With it, the call waits for its turn among the movements of that account. */
  readonly accountId?: string;
  /** Of a capture: how much of the hold is charged, the rest is returned; all of it by default, and 0 is a release. */
  readonly chargeMicrocredits?: number;
  readonly told?: (movement: Movement) => void;
}

/**
 * Captures (`completed`) or releases (any other reason) the hold, once. Raises `LedgerError` `no_proof` when the database
 * has nothing that proves the reason, `wrong_state` when nothing was ever held, `exceeds_hold` for a charge above it.
 */
export async function settleGeneration(
  db: Database,
  generationId: string,
  reason: SettlementReason,
  { accountId, chargeMicrocredits, told }: SettleOptions = {},
): Promise<SettleResult> {
  const settled = await inTurn(db, accountId, () =>
    row<SettledRow>(db, SETTLE, [generationId, reason, chargeMicrocredits]),
  );
  db.changed(generationId);
  switch (settled.result) {
    case 'not_due':
      return { result: 'not_due', timeLeftMs: settled.time_left_ms };
    case 'terminal':
      return { result: 'terminal', look: { verdict: settled.credits_charged ? 'completed' : 'failed' } };
    case 'settled': {
      const settlement = settlementOf(settled);
      const kind = settlement.charged ? 'capture' : 'release';
      told?.({ kind, generationId, amountMicrocredits: settled.amount_microcredits, ...settlement });
      return { result: 'settled', settlement };
    }
    case 'repeated':
      return { result: 'settled', settlement: settlementOf(settled) };
    case 'conflict':
      return { result: 'conflict', settlement: settlementOf(settled) };
  }
}

const NOTE_REFUSAL = { name: 'record_settlement_refusal', text: 'SELECT record_settlement_refusal($1, $2, $3)' };

/** Notes that a settlement is refused by a rule; ten minutes after the first note an emergency release is allowed. */
export async function recordSettlementRefusal(
  db: Database,
  generationId: string,
  reason: string,
  why: string,
): Promise<void> {
  await row(db, NOTE_REFUSAL, [generationId, reason, why]);
}

function settlementOf(row: Pick<SettledRow, 'credits_charged' | 'settlement_reason' | 'error_code'>): Settlement {
  return { charged: row.credits_charged, reason: row.settlement_reason, errorCode: row.error_code };
}
