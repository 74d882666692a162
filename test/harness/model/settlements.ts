import type { SettlementReason } from '../../../contracts/states.ts';
import type { Generation, Model } from './state.ts';
import {
  Between,
  LIMIT,
  Learned,
  cameToNothing,
  createsSpent,
  isFinished,
  isKey,
  isSettled,
  move,
  openAttempt,
  refunded,
  refusedAs,
} from './state.ts';

/** Predicts settlements and refunds. */

export type Reason = SettlementReason;

export const REASONS = [
  'completed',
  'nothing_to_charge',
  'provider_failed',
  'submission_refused',
  'provider_unavailable',
  'cancelled',
  'create_failed',
  'expired',
  'emergency',
] as const satisfies readonly Reason[];

export interface SettleCall {
  readonly generationId: string;
  readonly reason: Reason;
  readonly chargeMicrocredits: number | undefined;
}

export function settleGeneration(model: Model, call: SettleCall): unknown {
  const { generationId, reason, chargeMicrocredits: charge } = call;
  if (charge !== undefined && !Number.isInteger(charge)) return refusedAs('constraint');
  const generation = model.generations.get(generationId);
  if (generation === undefined) return refusedAs('unknown_generation');
  const asked = reason === 'completed' && charge === 0 ? 'nothing_to_charge' : reason;
  const charged = asked === 'completed' ? (charge ?? generation.amount) : null;
  const { settlement, verdict, outlived, holdTtlMs } = generation;
  if (settlement !== null) {
    const same = settlement.reason === asked && generation.charged === charged;
    return { result: same ? 'settled' : 'conflict', settlement };
  }
  if (generation.state !== 'held') return refusedAs('wrong_state');
  if (charge !== undefined && (reason !== 'completed' || charge < 0)) return refusedAs('constraint');
  if (charged !== null && charged > generation.amount) return refusedAs('exceeds_hold');
  const isTerminal = verdict === 'completed' || verdict === 'failed';
  if (isTerminal && reason === 'emergency') {
    return settle(model, generation, verdict === 'completed' ? 'completed' : 'provider_failed', generation.amount);
  }
  const isReady = generation.claimOf !== null && isProven(model, generation, 'completed');
  if (reason === 'expired' && (isTerminal || isReady)) {
    return { result: 'terminal', look: { verdict: isReady ? 'completed' : verdict } };
  }
  if (reason === 'expired' && !outlived) return { result: 'not_due', timeLeftMs: new Between(1, holdTtlMs) };
  if (!isProven(model, generation, asked)) return refusedAs('no_proof');
  return settle(model, generation, asked, charged ?? 0);
}

/** Whether the database has the proof for a settlement with this reason (MR-1, MR-2). */
export function isProven(model: Model, generation: Generation, reason: Reason): boolean {
  const { verdict, video, attempts, cancelRequested, settlementRefused, outlived, claimOf } = generation;
  const isClosed = openAttempt(generation) === undefined;
  switch (reason) {
    case 'completed':
      if (claimOf === null) return verdict === 'completed';
      // A claimed video is charged only once it is archived (MR-53).
      return model.makerOf(generation).verdict === 'completed' && generation.content === 'archived';
    case 'nothing_to_charge':
      return verdict === 'completed';
    case 'provider_failed':
      return verdict === 'failed';
    case 'submission_refused':
      return video === null && attempts.some(({ outcome }) => outcome === 'refused');
    case 'provider_unavailable':
      return claimOf === null && video === null && isClosed && attempts.every(({ outcome }) => outcome !== 'conflict');
    case 'cancelled':
      return claimOf === null && cancelRequested && cameToNothing(generation);
    case 'create_failed':
      return createsSpent(generation) && cameToNothing(generation);
    case 'expired':
      return outlived;
    case 'emergency':
      return settlementRefused === 'long ago';
  }
}

function settle(model: Model, generation: Generation, reason: Reason, amount: number): unknown {
  const account = model.accountOf(generation);
  const charge = reason === 'completed';
  const settlement = { charged: charge, reason, errorCode: charge ? null : errorCodeOf(generation, reason) };
  const charged = charge ? amount : 0;
  const isOver = charge || isFinished(generation);
  if (isOver && generation.countsAsActive) account.active -= 1;
  Object.assign(generation, {
    state: charge ? 'charged' : 'released',
    settlement,
    charged: charge ? charged : null,
    countsAsActive: generation.countsAsActive && !isOver,
  });
  move(account, {
    kind: charge ? 'capture' : 'release',
    generationId: generation.id,
    available: generation.amount - charged,
    held: -generation.amount,
    issued: 0,
    revenue: charged,
  });
  return { result: 'settled', settlement };
}

function errorCodeOf({ providerError, attempts }: Generation, reason: Exclude<Reason, 'completed'>): string | null {
  switch (reason) {
    case 'nothing_to_charge':
      return 'nothing_delivered';
    case 'provider_failed':
      return providerError ?? 'generation_failed';
    case 'submission_refused':
      return attempts.find(({ outcome }) => outcome === 'refused')?.errorCode ?? null;
    case 'expired':
      return 'generation_timeout';
    case 'emergency':
      return 'settlement_failed';
    case 'provider_unavailable':
    case 'cancelled':
    case 'create_failed':
      return reason;
  }
}

export function recordSettlementRefusal(model: Model, generationId: string): unknown {
  const generation = model.generations.get(generationId);
  if (generation === undefined) return refusedAs('unknown_generation');
  const isFirst = generation.state === 'held' && generation.settlementRefused === 'never';
  if (isFirst) generation.settlementRefused = 'now';
  return undefined;
}

export interface RefundCall {
  readonly generationId: string;
  readonly amountMicrocredits: number | null;
  readonly reason: string;
  readonly idempotencyKey: string;
}

export function refundGeneration(model: Model, call: RefundCall): unknown {
  const { generationId, amountMicrocredits: asked, reason, idempotencyKey } = call;
  if (asked !== null && !Number.isInteger(asked)) return refusedAs('constraint');
  const generation = model.generations.get(generationId);
  if (generation === undefined) return refusedAs('unknown_generation');
  if (asked !== null && asked <= 0) return refusedAs('constraint');
  if (!isSettled(generation) || generation.charged === null) {
    return { outcome: 'not_charged' };
  }
  const left = generation.charged - refunded(generation);
  const refuse = (outcome: string) => ({ outcome, refundableMicrocredits: left });
  const earlier = generation.refunds.get(idempotencyKey);
  if (earlier !== undefined) {
    if (earlier.requested !== asked || earlier.reason !== reason) return refuse('key_reused');
    const { transactionId, amount, leftAfter } = earlier;
    const answer = { outcome: 'refunded', transactionId, movedMicrocredits: amount };
    return { ...answer, refundableMicrocredits: leftAfter, replayed: true };
  }
  if (left === 0) return refuse('nothing_left');
  const amount = asked ?? left;
  if (amount > left) return refuse('exceeds_captured');
  const account = model.accountOf(generation);
  if (account.available + account.held + amount > LIMIT) return refuse('too_large');
  if (!isKey(idempotencyKey) || reason.length < 1 || reason.length > 500) return refusedAs('constraint');
  const transactionId = new Learned();
  generation.refunds.set(idempotencyKey, { requested: asked, reason, amount, leftAfter: left - amount, transactionId });
  move(account, { kind: 'refund', generationId, available: amount, held: 0, issued: 0, revenue: -amount });
  const answer = { outcome: 'refunded', transactionId, movedMicrocredits: amount, replayed: false };
  return { ...answer, refundableMicrocredits: left - amount };
}
