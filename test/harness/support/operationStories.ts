import { randomUUID } from 'node:crypto';
import { accountId, videoId } from '../../../contracts/ids.ts';
import type { Tenant } from './database.ts';
import type { Operation, Outcome } from './keyedOperations.ts';
import * as keyed from './keyedOperations.ts';
import { BLOCKED, FINISHED } from './ledgerSteps.ts';

/** Random choices, the same for the same seed. */
export interface Luck {
  readonly chance: (probability: number) => boolean;
  /** A whole number between both ends, inclusive. */
  readonly between: (low: number, high: number) => number;
  readonly one: <Item>(items: readonly Item[]) => Item;
}

/** Mulberry32. */
export function luckOf(seed: number): Luck {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  return {
    chance: (probability) => next() < probability,
    between,
    one: <Item>(items: readonly Item[]) => items[between(0, items.length - 1)] as Item,
  };
}

/** Operations in sequence; each is requested after the answer to the one before. */
export type Story = Generator<Operation, void, Outcome>;

const SIZES = ['720x1280', '1280x720'] as const;

/** A random sequence of operations, on accounts that others use at the same time. */
export function anyStory(luck: Luck, tenants: readonly Tenant[]): Story {
  const kind = luck.between(1, 10);
  if (kind === 1) return priceStory(luck);
  if (kind === 2) return newAccountStory(luck);
  if (kind <= 4) return creditsStory(luck, luck.one(tenants).accountId);
  return generationStory(luck, luck.one(tenants));
}

function* priceStory(luck: Luck): Story {
  yield keyed.setPrice(luck.one(SIZES), luck.between(50_000, 150_000), randomUUID());
}

/** Freezes only accounts without generations: a refusal for freezing is not kept, so a repeat may get another answer. */
function* newAccountStory(luck: Luck): Story {
  const id = accountId(randomUUID());
  yield keyed.openAccount(id);
  yield* creditsStory(luck, id);
  yield keyed.setFrozen(id, true, randomUUID());
  yield keyed.setFrozen(id, false, randomUUID());
}

function* creditsStory(luck: Luck, id: string): Story {
  yield keyed.grant(id, luck.between(1, 8_000_000), randomUUID());
  yield keyed.grant(id, -luck.between(1, 6_000_000), randomUUID());
}

function* generationStory(luck: Luck, tenant: Tenant): Story {
  const [id, account] = [videoId(randomUUID()), tenant.accountId];
  if (!(yield keyed.admit(tenant, id, luck.one(SIZES), randomUUID())).goesOn) return;
  const { goesOn, held: amount } = yield keyed.placeHold(account, id);
  if (!goesOn) return;
  yield keyed.beginAttempt(id);
  const fate = luck.one(['refused', 'blocked', 'all', 'part', 'part', 'nothing'] as const);
  const video = `provider_${id}`;
  yield keyed.endAttempt(id, fate === 'refused' ? null : video);
  if (fate === 'refused') return void (yield keyed.settle(account, id, amount, 'submission_refused'));
  yield keyed.recordLook(id, video, fate === 'blocked' ? BLOCKED : FINISHED);
  if (fate === 'blocked') return void (yield keyed.settle(account, id, amount, 'provider_failed'));
  const charge = { all: undefined, part: luck.between(1, amount), nothing: 0 }[fate];
  yield keyed.settle(account, id, amount, 'completed', charge);
  yield* refundStory(luck, account, id, charge ?? amount);
}

function* refundStory(luck: Luck, account: string, id: string, charged: number): Story {
  if (charged === 0 || luck.chance(0.4)) return;
  const part = luck.between(1, charged);
  yield keyed.refund(account, id, part, randomUUID());
  if (part < charged && luck.chance(0.6)) yield keyed.refund(account, id, null, randomUUID());
}
