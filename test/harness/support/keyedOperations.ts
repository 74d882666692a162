import { type Books } from './database.ts';
import { createHash } from 'node:crypto';
import type { SeenVideo } from '../../../store/index.ts';
import type { ReleaseReason } from '../../../contracts/states.ts';
import type { Tenant } from './database.ts';
import { PROVIDER } from './ledgerSteps.ts';
import type { TRACES } from './operationTraces.ts';

/** The result of an operation, from its answer. */
export interface Outcome {
  /** The part that every repeat must return, immediately and after later operations. */
  readonly fact: Record<string, unknown>;
  /** Whether the answer is marked as a repeat; undefined for operations that don't mark it. */
  readonly replayed?: boolean;
  /** The amounts that the first call moved. */
  readonly available: number;
  readonly held: number;
  /** Whether the next step of the generation is possible. */
  readonly goesOn: boolean;
}

/** A call of the ledger with its own key, which can be repeated. */
export interface Operation {
  readonly kind: Kind;
  /** The account whose balance it may change. */
  readonly accountId: string | null;
  /** Together with the key, its name in the database. */
  readonly subject: string;
  readonly key: string | null;
  readonly run: (ledger: Books) => Promise<Outcome>;
}

export type Kind = keyof typeof TRACES;

const still = { available: 0, held: 0, goesOn: true };

/** Raises for an answer that a correct ledger never gives to a caller with its own keys. */
function must(outcome: string, ...possible: readonly string[]): void {
  if (!possible.includes(outcome)) throw new Error(`the ledger answered ${outcome}`);
}

export function openAccount(accountId: string): Operation {
  const run = async (ledger: Books): Promise<Outcome> => {
    const { outcome, createdAt, replayed } = await ledger.openAccount(accountId, 'a tenant');
    must(outcome, 'opened');
    return { ...still, fact: { outcome, createdAt }, replayed };
  };
  return { kind: 'open account', accountId, subject: accountId, key: null, run };
}

/** An amount below zero is a claw-back. */
export function grant(accountId: string, amountMicrocredits: number, key: string): Operation {
  const run = async (ledger: Books): Promise<Outcome> => {
    const grant = { accountId, amountMicrocredits, reason: 'a load', idempotencyKey: key };
    const answer = {
      movedMicrocredits: 0,
      transactionId: null,
      replayed: false,
      ...(await ledger.grantCredits(grant)),
    };
    const { outcome, transactionId, movedMicrocredits, replayed } = answer;
    must(outcome, 'granted', 'nothing_available');
    return { ...still, fact: { outcome, transactionId, movedMicrocredits }, replayed, available: movedMicrocredits };
  };
  return { kind: amountMicrocredits > 0 ? 'grant' : 'claw back', accountId, subject: accountId, key, run };
}

export function setFrozen(accountId: string, frozen: boolean, key: string): Operation {
  const run = async (ledger: Books): Promise<Outcome> => {
    const change = { accountId, frozen, reason: 'a load', idempotencyKey: key };
    const { outcome, replayed } = await ledger.setAccountFrozen(change);
    must(outcome, frozen ? 'frozen' : 'unfrozen');
    return { ...still, fact: { outcome }, replayed };
  };
  return { kind: frozen ? 'freeze' : 'unfreeze', accountId, subject: accountId, key, run };
}

export function setPrice(size: string, costPerSecondMicrocredits: number, key: string): Operation {
  const run = async (ledger: Books): Promise<Outcome> => {
    const price = { model: 'sora-2', size, costPerSecondMicrocredits, marginBasisPoints: 3000, effectiveFrom: null };
    const answer = { replayed: false, ...(await ledger.setPrice({ ...price, idempotencyKey: key })) };
    const { replayed, ...fact } = answer;
    must(fact.outcome, 'set');
    return { ...still, fact, replayed };
  };
  return { kind: 'set price', accountId: null, subject: key, key: null, run };
}

export function admit(tenant: Tenant, generationId: string, size: string, key: string): Operation {
  const request = {
    ...{ ...tenant, generationId, size, model: 'sora-2', seconds: 4, prompt: generationId },
    ...{ admitWithinMs: 3_600_000, fingerprint: createHash('sha256').update(key).digest(), idempotencyKey: key },
  };
  const run = async (ledger: Books): Promise<Outcome> => {
    const admission = await ledger.admitGeneration(request);
    const { outcome } = admission;
    must(outcome, 'admitted', 'insufficient_credits', 'in_use', 'replay');
    // A replay of an admission that was refused for lack of credits has no generation.
    const admitted =
      outcome === 'replay' ? admission.generationId === generationId : outcome !== 'insufficient_credits';
    return { ...still, fact: { admitted }, replayed: outcome === 'replay' || outcome === 'in_use', goesOn: admitted };
  };
  return { kind: 'admit', accountId: tenant.accountId, subject: generationId, key, run };
}

export function placeHold(accountId: string, generationId: string): Operation {
  const run = async (ledger: Books): Promise<Outcome> => {
    const placed = await ledger.placeHold(generationId, 3600, accountId);
    if (placed.outcome === 'refused') {
      must(placed.code, 'insufficient_credits');
      return { ...still, fact: { held: false, code: placed.code }, goesOn: false };
    }
    const amount = placed.outcome === 'held' ? placed.amountMicrocredits : 0;
    return { ...still, fact: { held: true, code: null }, available: -amount, held: amount };
  };
  return { kind: 'place hold', accountId, subject: generationId, key: null, run };
}

export function beginAttempt(generationId: string): Operation {
  const run = async (ledger: Books): Promise<Outcome> => {
    const { outcome } = await ledger.beginAttempt(generationId, [PROVIDER]);
    must(outcome, 'begun', 'open', 'known', 'refused', 'settled');
    return { ...still, fact: {}, replayed: outcome !== 'begun' };
  };
  return { kind: 'begin create', accountId: null, subject: generationId, key: null, run };
}

export function endAttempt(generationId: string, video: string | null): Operation {
  const run = async (ledger: Books): Promise<Outcome> => {
    const end =
      video === null
        ? ({ outcome: 'refused', code: 'invalid_request', message: 'No.' } as const)
        : ({ outcome: 'created', providerVideoId: video, providerCreatedAt: null } as const);
    await ledger.endAttempt(generationId, 1, end);
    return { ...still, fact: {} };
  };
  return { kind: 'end create', accountId: null, subject: generationId, key: null, run };
}

export function recordLook(generationId: string, video: string, seen: SeenVideo): Operation {
  const run = async (ledger: Books): Promise<Outcome> => {
    return { ...still, fact: await ledger.recordLook(generationId, video, seen) };
  };
  return { kind: 'record look', accountId: null, subject: generationId, key: null, run };
}

/** For a hold of `amount` microcredits, of which a capture charges `charge`. */
export function settle(
  accountId: string,
  generationId: string,
  amount: number,
  reason: ReleaseReason | 'completed',
  charge?: number,
): Operation {
  const options = charge === undefined ? { accountId } : { accountId, chargeMicrocredits: charge };
  const run = async (ledger: Books): Promise<Outcome> => {
    const fact = await ledger.settleGeneration(generationId, reason, options);
    must(fact.result, 'settled');
    const returned = amount - (reason === 'completed' ? (charge ?? amount) : 0);
    return { ...still, fact: { ...fact }, available: returned, held: -amount };
  };
  return { kind: 'settle', accountId, subject: generationId, key: null, run };
}

/** Refunds all that is left if the amount is null. */
export function refund(accountId: string, generationId: string, amount: number | null, key: string): Operation {
  const asked = { generationId, accountId, amountMicrocredits: amount, reason: 'a load', idempotencyKey: key };
  const run = async (ledger: Books): Promise<Outcome> => {
    const answer = {
      movedMicrocredits: 0,
      replayed: false,
      transactionId: null,
      ...(await ledger.refundGeneration(asked)),
    };
    const { outcome, transactionId, movedMicrocredits, replayed } = answer;
    must(outcome, 'refunded');
    return { ...still, fact: { outcome, transactionId, movedMicrocredits }, replayed, available: movedMicrocredits };
  };
  return { kind: 'refund', accountId, subject: generationId, key, run };
}
