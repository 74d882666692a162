import type { Account, Generation, Model, RequestKey } from './state.ts';
import { Between, LIMIT, isError, isKey, isSettled, move, openAttempt, refusedAs } from './state.ts';
import { currentPrice, priceOf } from './accounts.ts';

/** Predicts a request up to its hold. */

export interface AdmitCall {
  readonly generationId: string;
  readonly accountId: string;
  readonly apiKeyId: string;
  readonly model: string;
  readonly seconds: number;
  readonly size: string;
  readonly prompt: string;
  readonly admitWithinMs: number;
  /** Of the request's fingerprint. */
  readonly body: string;
  readonly idempotencyKey: string | null;
}

/** Of the offer that a first price makes. */
const LENGTHS = [4, 8, 12, 16, 20];

const fitsInteger = (value: number) => value >= -(2 ** 31) && value < 2 ** 31;

export function admitGeneration(model: Model, call: AdmitCall): unknown {
  const key = call.idempotencyKey ?? undefined;
  const earlier = key === undefined ? undefined : model.accounts.get(call.accountId)?.requestKeys.get(key);
  const before = model.generations.get(earlier?.generationId ?? '');
  const { state, refusal } = before ?? {};
  const answer = admission(model, call, earlier);
  // An error takes everything back, also the end of the request that the key came with before.
  if (before !== undefined && isError(answer)) Object.assign(before, { state, refusal });
  return answer;
}

function admission(model: Model, call: AdmitCall, earlier: RequestKey | undefined): unknown {
  if (!fitsInteger(call.seconds)) return refusedAs('constraint');
  const version = currentPrice(model, call.model, call.size);
  if (version === undefined) return { outcome: isPriced(model, call.model) ? 'unknown_size' : 'unknown_model' };
  if (!LENGTHS.includes(call.seconds)) {
    return { outcome: 'refused', answer: { param: 'seconds', fault: 'no_value', rule: { values: LENGTHS } } };
  }
  const amount = priceOf(version.cost, version.margin, call.seconds);
  const account = model.accounts.get(call.accountId);
  const key = call.idempotencyKey;
  if (earlier !== undefined) {
    const answer = answerOfKey(model, earlier, call.body);
    if (answer !== undefined) return answer;
  }
  // A fault of ours, not a refusal: no key of the service belongs to an account that is not there.
  if (account === undefined) return refusedAs('P0002');
  if (account.frozen) return { outcome: 'account_frozen', amountMicrocredits: amount };
  if (account.available < amount) {
    if (key !== null && !isKey(key)) return refusedAs('constraint');
    if (key !== null) keep(account, key, call.body, { generationId: null, status: 402, refused: amount });
    return { outcome: 'insufficient_credits', amountMicrocredits: amount };
  }
  if (model.generations.has(call.generationId)) return refusedAs('already_admitted');
  const overCap = account.active >= account.cap;
  if ((call.prompt === '' && !overCap) || (key !== null && !isKey(key))) return refusedAs('constraint');
  const { generationId: id, accountId, model: name, seconds, size, prompt, admitWithinMs } = call;
  const late = admitWithinMs < 0;
  model.generations.set(
    id,
    requested({ id, accountId, amount, cost: version.cost, model: name, seconds, size, prompt, late, claimOf: null }),
  );
  if (key !== null) keep(account, key, call.body, { generationId: id, status: null, refused: null });
  if (overCap) {
    const refusal = 'too_many_active_generations';
    Object.assign(model.generations.get(id) ?? {}, { state: 'refused', refusal });
    return { outcome: refusal, amountMicrocredits: amount };
  }
  return { outcome: 'admitted', generationId: id, amountMicrocredits: amount };
}

type AsAsked = 'id' | 'accountId' | 'amount' | 'cost' | 'model' | 'seconds' | 'size' | 'prompt' | 'late' | 'claimOf';
type GenerationAsAsked = Pick<Generation, AsAsked>;

/** A newly written generation. */
export function requested(of: GenerationAsAsked): Generation {
  return {
    ...of,
    state: 'requested',
    refusal: null,
    holdTtlMs: 0,
    outlived: false,
    cancelRequested: false,
    settlementRefused: 'never',
    deleted: false,
    claimable: 'never',
    deletion: 'none',
    content: null,
    settledLongAgo: false,
    attempts: [],
    video: null,
    verdict: null,
    progress: null,
    contested: false,
    providerError: null,
    settlement: null,
    charged: null,
    countsAsActive: false,
    refunds: new Map(),
  };
}

function isPriced(ledger: Model, model: string): boolean {
  return [...ledger.prices.values()].some((version) => version.model === model && version.effectiveFrom === null);
}

/** What a key that came before is answered with; undefined: its request came to nothing, and this one takes its place. */
function answerOfKey(model: Model, earlier: RequestKey, body: string): unknown {
  const of = earlier.generationId === null ? undefined : model.generations.get(earlier.generationId);
  if (of?.state === 'requested' && of.late) giveUp(of);
  if (earlier.old) return { outcome: 'too_old' };
  if (earlier.fingerprint !== body) return { outcome: 'reused' };
  if (of?.state === 'requested') return { outcome: 'in_use' };
  const hasHold = of !== undefined && (of.state === 'held' || isSettled(of));
  if (earlier.status === null && !hasHold && of?.refusal !== 'insufficient_credits') return undefined;
  return {
    outcome: 'replay',
    generationId: earlier.generationId,
    status: earlier.status ?? (hasHold ? 200 : 402),
    answer: earlier.answer,
    amountMicrocredits: of?.amount ?? earlier.refused,
  };
}

type Leads = Pick<RequestKey, 'generationId' | 'status' | 'refused'>;

function keep(account: Account, key: string, body: string, now: Leads): void {
  const earlier = account.requestKeys.get(key);
  if (earlier === undefined) account.requestKeys.set(key, { fingerprint: body, answer: null, old: false, ...now });
  else Object.assign(earlier, now);
}

export interface KeepCall {
  readonly accountId: string;
  readonly key: string;
  readonly status: 200 | 402;
  readonly body: unknown;
}

/** The first answer stands. */
export function keepAnswer(model: Model, { accountId, key, status, body }: KeepCall): unknown {
  const kept = model.accounts.get(accountId)?.requestKeys.get(key);
  if (kept === undefined || kept.answer !== null) return undefined;
  if (kept.generationId !== null && model.generations.get(kept.generationId)?.deleted === true) return undefined;
  if (kept.generationId === null && status !== 402) return refusedAs('constraint');
  Object.assign(kept, { status, answer: body });
  return undefined;
}

export interface PlaceCall {
  readonly generationId: string;
  readonly ttlSeconds: number;
}

export function placeHold(model: Model, { generationId, ttlSeconds }: PlaceCall): unknown {
  if (!fitsInteger(ttlSeconds)) return refusedAs('constraint');
  const generation = model.generations.get(generationId);
  if (generation === undefined) return refusedAs('unknown_generation');
  if (generation.state === 'requested') {
    const account = model.accountOf(generation);
    const refusal = refusalOf(account, generation.amount);
    if (refusal !== undefined) Object.assign(generation, { state: 'refused', refusal });
    else if (generation.late) giveUp(generation);
    else if (ttlSeconds < 1) return refusedAs('constraint');
    else hold(account, generation, ttlSeconds);
  }
  return placement(model, generation);
}

function refusalOf(account: Account, amount: number) {
  if (account.frozen) return 'account_frozen';
  if (account.available < amount) return 'insufficient_credits';
  return account.active >= account.cap ? 'too_many_active_generations' : undefined;
}

function hold(account: Account, generation: Generation, ttlSeconds: number): void {
  const { id, amount } = generation;
  Object.assign(generation, { state: 'held', countsAsActive: true, holdTtlMs: ttlSeconds * 1000 });
  account.active += 1;
  move(account, { kind: 'hold', generationId: id, available: -amount, held: amount, issued: 0, revenue: 0 });
}

function placement(model: Model, generation: Generation): unknown {
  const { id, accountId, state, amount, settlement, refusal, holdTtlMs, outlived, seconds, size } = generation;
  if (settlement !== null) return { outcome: 'settled', accountId, settlement };
  if (state !== 'held') return { outcome: 'refused', code: refusal, accountId };
  const alike = [...model.generations.values()].filter(
    (other) => other.state === 'charged' && [other.model, other.seconds, other.size].join() === kindOf(generation),
  );
  return {
    outcome: 'held',
    holdId: id.replace(/^video_/, 'hold_'),
    accountId,
    amountMicrocredits: amount,
    timeLeftMs: outlived ? 0 : new Between(1, holdTtlMs),
    holdTtlMs,
    model: generation.model,
    seconds,
    size,
    expectedDurationMs: alike.length > 0 ? new Between(0, LIMIT) : null,
    providerVideoId: model.makerOf(generation).video,
    isClaim: generation.claimOf !== null,
    attemptMayHaveArrived: openAttempt(generation) !== undefined,
  };
}

const kindOf = ({ model, seconds, size }: Generation) => [model, seconds, size].join();

export function giveUp(generation: Generation): void {
  Object.assign(generation, { state: 'voided', refusal: 'voided' });
}

export function voidGeneration(model: Model, generationId: string): unknown {
  const generation = model.generations.get(generationId);
  if (generation === undefined) return refusedAs('unknown_generation');
  if (generation.state === 'requested') giveUp(generation);
  return { state: generation.state, refusalCode: generation.refusal };
}

export function requestCancel(model: Model, generationId: string): unknown {
  const generation = model.generations.get(generationId);
  if (generation === undefined) return refusedAs('unknown_generation');
  const { state, cancelRequested } = generation;
  const first = (state === 'requested' || state === 'held') && !cancelRequested;
  if (first) generation.cancelRequested = true;
  return { state, first };
}

export interface DeleteCall {
  readonly accountId: string;
  readonly generationId: string;
}

export function deleteGeneration(model: Model, { accountId, generationId }: DeleteCall): unknown {
  const generation = model.generations.get(generationId);
  if (generation === undefined) return refusedAs('unknown_generation');
  if (generation.accountId !== accountId || !isSettled(generation)) return false;
  generation.deleted = true;
  // The answer may quote the prompt; the key stays, or a repeat would pay again.
  for (const key of model.accountOf(generation).requestKeys.values()) {
    if (key.generationId === generationId) key.answer = null;
  }
  return true;
}
