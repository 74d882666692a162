import fc from 'fast-check';
import { accountSlot, fields, find, keyOf, mostly, keys, nextNumber, someGeneration, weighed } from './draws.ts';
import { commands, operation } from './operation.ts';
import { MODELS, SIZES } from './operatorCommands.ts';
import * as foretold from './requests.ts';
import type { Account, Generation, Model } from './state.ts';
import { isSettled } from './state.ts';

/** Commands of a request up to its hold: admission, idempotency keys, the hold, voiding. */

const HOUR = 3_600_000;
const atOdds = (...odd: readonly number[]) => fc.oneof(weighed(30, 0), weighed(odd.length, ...odd));

export const admit = operation({
  name: 'admitGeneration',
  data: fields({
    slot: accountSlot,
    which: someGeneration,
    model: atOdds(1, 1, 1, 2),
    size: atOdds(1, 2),
    seconds: fc.oneof(weighed(12, 4), weighed(3, 8, 20)),
    oddSeconds: atOdds(-1, 5, 2 ** 31),
    zeroSeconds: atOdds(1),
    prompt: fc.oneof(weighed(30, 'a fox', 'a hare'), weighed(1, '')),
    late: atOdds(1),
    key: fc.oneof(weighed(1, null), { weight: 1, arbitrary: keys(9) }),
    body: fc.oneof(weighed(7, 0), weighed(1, 1)),
  }),
  call: (model, data) => {
    const accountId = model.accountId(data.slot);
    const used = model.accounts.get(accountId)?.requestKeys.keys();
    return {
      generationId: model.generationId(nextNumber(model, data.which)),
      accountId,
      apiKeyId: model.apiKeyId(data.slot),
      model: model.named(MODELS[data.model] ?? ''),
      size: SIZES[data.size] ?? '',
      seconds: data.zeroSeconds === 1 ? 0 : data.oddSeconds === 0 ? data.seconds : data.oddSeconds,
      prompt: data.prompt === '' ? '' : model.named(data.prompt),
      admitWithinMs: data.late === 1 ? -1000 : HOUR,
      body: `body ${data.body}`,
      idempotencyKey: data.key === null ? null : keyOf(data.key, used),
    };
  },
  predict: foretold.admitGeneration,
  perform: ({ ledger }, { body, ...call }) => ledger.admitGeneration({ ...call, fingerprint: sha256Of(body) }),
});

/** 32 bytes that differ as the bodies do. */
const sha256Of = (body: string) => Buffer.from(body.padEnd(32));

const isRequested = ({ state }: Generation) => state === 'requested';

export const place = operation({
  name: 'placeHold',
  data: fields({
    which: someGeneration,
    first: mostly,
    ttlSeconds: fc.oneof(weighed(12, 3600), weighed(3, 7200, 2 ** 31 - 1, 0, -1, 2 ** 31)),
  }),
  call: (model, { which, first, ttlSeconds }) => ({
    generationId: find(model, which, first ? isRequested : isSettled).id,
    ttlSeconds,
  }),
  predict: foretold.placeHold,
  perform: ({ ledger }, { generationId, ttlSeconds }) => ledger.placeHold(generationId, ttlSeconds),
});

const giveUp = operation({
  name: 'voidGeneration',
  data: someGeneration,
  // Of any state, or hardly anything would be held.
  call: (model, which) => find(model, which, () => true).id,
  predict: foretold.voidGeneration,
  perform: ({ ledger }, generationId) => ledger.voidGeneration(generationId),
});

const cancel = operation({
  name: 'requestCancel',
  data: fields({ which: someGeneration, early: fc.boolean() }),
  call: (model, { which, early }) => find(model, which, early ? isRequested : ({ state }) => state === 'held').id,
  predict: foretold.requestCancel,
  perform: ({ ledger }, generationId) => ledger.requestCancel(generationId, 'client'),
});

export const remove = operation({
  name: 'deleteGeneration',
  data: fields({ which: someGeneration, own: mostly }),
  call: (model, { which, own }) => {
    const { id, generation } = find(model, which, isSettled);
    const accountId = own && generation !== undefined ? generation.accountId : model.accountId(which.number % 2);
    return { accountId, generationId: id };
  },
  predict: foretold.deleteGeneration,
  perform: ({ ledger }, { accountId, generationId }) => ledger.deleteGeneration(accountId, generationId),
});

const keep = operation({
  name: 'keepAnswer',
  data: fields({
    slot: accountSlot,
    back: fc.nat(9),
    status: fc.constantFrom(200, 402),
    body: fc.constantFrom('a', 'b'),
  }),
  call: (model, { slot, back, status, body }) => {
    const { accountId, key } = someRequestKey(model, slot, back);
    return { accountId, key, status, body: { body } };
  },
  predict: foretold.keepAnswer,
  perform: ({ ledger }, { accountId, key, status, body }) => ledger.keepAnswer(accountId, key, { status, body }),
});

/** Makes a request's key as old as a key must not be. */
const age = operation({
  name: 'ageKey',
  data: fields({ slot: accountSlot, back: fc.nat(9) }),
  call: (model, { slot, back }) => someRequestKey(model, slot, back),
  predict: (model: Model, { accountId, key }) => {
    const kept = model.accounts.get(accountId)?.requestKeys.get(key);
    if (kept !== undefined) kept.old = true;
    return undefined;
  },
  perform: async ({ admin }, { accountId, key }) => {
    const older =
      "UPDATE idempotency_keys SET created_at = now() - interval '73 hours' WHERE account_id = $1 AND key = $2";
    await admin.query(older, [accountId, key]);
  },
});

function someRequestKey(model: Model, slot: number, back: number): { accountId: string; key: string } {
  const accountId = model.accountId(slot);
  const account: Account | undefined = model.accounts.get(accountId);
  return { accountId, key: keyOf({ used: back }, account?.requestKeys.keys()) };
}

export const requestCommands = [
  commands(18, admit),
  commands(15, place),
  commands(3, giveUp),
  commands(5, cancel),
  commands(2, remove),
  commands(3, keep),
  commands(2, age),
];
