import type { Account, AccountOperation, Model, PriceVersion } from './state.ts';
import { CAP_BY_DEFAULT, LIMIT, Learned, isKey, move, refusedAs } from './state.ts';

/** Predicts operators' commands: accounts, credits, prices. Each changes the model and returns the expected answer. */

export interface OpenCall {
  readonly id: string;
  readonly name: string;
}

export function openAccount(model: Model, { id, name }: OpenCall): unknown {
  if (name.length < 1 || name.length > 200) return refusedAs('constraint');
  const account = model.accounts.get(id);
  if (account !== undefined) {
    return { outcome: account.name === name ? 'opened' : 'id_reused', createdAt: account.createdAt, replayed: true };
  }
  const opened: Account = {
    id,
    name,
    createdAt: new Learned(),
    frozen: false,
    cap: CAP_BY_DEFAULT,
    available: 0,
    held: 0,
    active: 0,
    journal: [],
    operations: new Map(),
    requestKeys: new Map(),
  };
  model.accounts.set(id, opened);
  return { outcome: 'opened', createdAt: opened.createdAt, replayed: false };
}

export interface FreezeCall {
  readonly accountId: string;
  readonly frozen: boolean;
  readonly reason: string;
  readonly idempotencyKey: string;
}

export function setAccountFrozen(model: Model, { accountId, frozen, reason, idempotencyKey }: FreezeCall): unknown {
  const account = model.accounts.get(accountId);
  if (account === undefined) return { outcome: 'unknown_account', replayed: false };
  const kind = frozen ? 'freeze' : 'unfreeze';
  const earlier = account.operations.get(idempotencyKey);
  if (earlier !== undefined) {
    return isSame(earlier, kind, null, reason)
      ? { outcome: earlier.outcome, replayed: true }
      : { outcome: 'key_reused', replayed: false };
  }
  if (!isKey(idempotencyKey)) return refusedAs('constraint');
  const outcome = frozen ? (account.frozen ? 'already_frozen' : 'frozen') : account.frozen ? 'unfrozen' : 'not_frozen';
  account.frozen = frozen;
  account.operations.set(idempotencyKey, { kind, amount: null, reason, outcome, moved: 0, transactionId: null });
  return { outcome, replayed: false };
}

export interface GrantCall {
  readonly accountId: string;
  readonly amountMicrocredits: number;
  readonly reason: string;
  readonly idempotencyKey: string;
}

export function grantCredits(model: Model, call: GrantCall): unknown {
  const { accountId, amountMicrocredits: amount, reason, idempotencyKey } = call;
  if (!Number.isSafeInteger(amount) || amount === 0) return refusedAs('constraint');
  const account = model.accounts.get(accountId);
  if (account === undefined) return { outcome: 'unknown_account' };
  const earlier = account.operations.get(idempotencyKey);
  if (earlier !== undefined) {
    if (!isSame(earlier, 'grant', amount, reason)) return { outcome: 'key_reused' };
    return granted(account, earlier, true);
  }
  if (!isKey(idempotencyKey)) return refusedAs('constraint');
  const moved = amount < 0 ? -Math.min(-amount, account.available) : amount;
  const outcome =
    moved === 0 ? 'nothing_available' : account.available + account.held + moved > LIMIT ? 'too_large' : 'granted';
  const done = outcome === 'granted';
  const operation: AccountOperation = {
    kind: 'grant',
    amount,
    reason,
    outcome,
    moved: done ? moved : 0,
    transactionId: done ? new Learned() : null,
  };
  account.operations.set(idempotencyKey, operation);
  if (done) {
    const kind = moved > 0 ? 'grant' : 'claw_back';
    move(account, { kind, generationId: null, available: moved, held: 0, issued: -moved, revenue: 0 });
  }
  return granted(account, operation, false);
}

function granted({ available }: Account, { outcome, transactionId, moved }: AccountOperation, replayed: boolean) {
  if (outcome !== 'granted') return { outcome, availableMicrocredits: available, replayed };
  return { outcome, transactionId, movedMicrocredits: moved, availableMicrocredits: available, replayed };
}

function isSame(earlier: AccountOperation, kind: string, amount: number | null, reason: string): boolean {
  return earlier.kind === kind && earlier.amount === amount && earlier.reason === reason;
}

export interface PriceCall {
  readonly model: string;
  readonly size: string;
  readonly costPerSecondMicrocredits: number;
  readonly marginBasisPoints: number;
  readonly effectiveFrom: Date | null;
  readonly idempotencyKey: string;
}

export function setPrice(ledger: Model, call: PriceCall): unknown {
  const { model, size, costPerSecondMicrocredits: cost, marginBasisPoints: margin, effectiveFrom } = call;
  const earlier = ledger.prices.get(call.idempotencyKey);
  if (earlier !== undefined) {
    const same =
      [earlier.model, earlier.size, earlier.cost, earlier.margin].join() === [model, size, cost, margin].join() &&
      earlier.effectiveFrom?.getTime() === effectiveFrom?.getTime();
    return same ? set(earlier, true) : { outcome: 'key_reused' };
  }
  if (effectiveFrom !== null && effectiveFrom.getTime() < Date.now()) return { outcome: 'in_the_past' };
  const inRange = cost >= 1 && cost <= 1e12 && margin >= 0 && margin <= 9999;
  if (!inRange || priceOf(cost, margin, 60) > LIMIT || !isKey(call.idempotencyKey)) return refusedAs('constraint');
  const begun = [...ledger.prices.values()].filter((version) => version.model === model && version.size === size);
  if (effectiveFrom !== null && begun.some((other) => other.effectiveFrom?.getTime() === effectiveFrom.getTime())) {
    return { outcome: 'already_set' };
  }
  const version = { model, size, cost, margin, effectiveFrom, priceId: new Learned(), began: new Learned() };
  ledger.prices.set(call.idempotencyKey, version);
  return set(version, false);
}

function set({ priceId, began, effectiveFrom }: PriceVersion, replayed: boolean) {
  return { outcome: 'set', priceId, effectiveFrom: effectiveFrom ?? began, replayed };
}

/** The provider's cost ÷ (1 − margin), rounded up to the microcredit. */
export function priceOf(cost: number, marginBasisPoints: number, seconds: number): number {
  const [above, below] = [BigInt(cost) * BigInt(seconds) * 10_000n, BigInt(10_000 - marginBasisPoints)];
  // BigInt division rounds towards zero: up for what is below it.
  return Number(above > 0n ? (above + below - 1n) / below : above / below);
}

/** The version in force: of those whose time has come, the last. Those of the future are of the next century. */
export function currentPrice(ledger: Model, model: string, size: string): PriceVersion | undefined {
  return [...ledger.prices.values()].findLast(
    (version) => version.model === model && version.size === size && version.effectiveFrom === null,
  );
}
