import fc from 'fast-check';
import { grantCredits, openAccount, setAccountFrozen, setPrice } from './accounts.ts';
import type { Amount, SomeKey } from './draws.ts';
import { accountSlot, amountAround, amountOf, fields, keyOf, keys, operationKeys, weighed } from './draws.ts';
import { commands, operation } from './operation.ts';
import { LIMIT, type Model } from './state.ts';

/** Operators' commands: accounts, credits, prices. */

export const open = operation({
  name: 'openAccount',
  data: fields({
    slot: fc.constantFrom<number[]>(0, 1, 2, 2),
    name: fc.oneof(weighed(3, 'a tenant'), weighed(1, 'another tenant', '', 'n'.repeat(200), 'n'.repeat(201))),
  }),
  call: (model, { slot, name }) => ({ id: model.accountId(slot), name, apiKeyId: model.apiKeyId(slot) }),
  predict: openAccount,
  perform: async ({ ledger }, { id, name, apiKeyId }) => {
    const opened = await ledger.openAccount(id, name);
    const sha256 = Buffer.from(apiKeyId.slice(-32));
    if (!opened.replayed) await ledger.addApiKey({ id: apiKeyId, accountId: id, name: 'key', sha256 });
    return opened;
  },
});

const reason: fc.Arbitrary<string> = fc.oneof(weighed(6, 'a reason'), weighed(1, ''));

const amount: fc.Arbitrary<{ back: boolean; amount: Amount }> = fc.oneof(
  { weight: 2, arbitrary: fields({ back: fc.constant(false), amount: amountAround(6, 'what fits') }) },
  { weight: 1, arbitrary: fields({ back: fc.constant(true), amount: amountAround(14, 'all') }) },
);

export const grant = operation({
  name: 'grantCredits',
  data: fields({ slot: accountSlot, drawn: amount, key: keys(3), reason }),
  call: (model, { slot, drawn, key, reason }) => {
    const account = model.accounts.get(model.accountId(slot));
    const { available, held } = account ?? { available: 0, held: 0 };
    const size = amountOf(drawn.amount, { 'what fits': LIMIT - available - held, all: Math.max(available, 1) });
    return {
      accountId: model.accountId(slot),
      amountMicrocredits: drawn.back ? -size : size,
      reason,
      idempotencyKey: keyOf(key, operationKeys(account)),
    };
  },
  predict: grantCredits,
  perform: ({ ledger }, call) => ledger.grantCredits(call),
  kind: ({ outcome, movedMicrocredits, availableMicrocredits, replayed }, { amountMicrocredits: asked }) => {
    const again = replayed === true ? ' again' : '';
    if (outcome === 'nothing_available') return `${outcome}${again}${availableMicrocredits ? ', after a top-up' : ''}`;
    if (outcome !== 'granted') return undefined;
    if (asked > 0) return `granted${again}`;
    return `clawed back${movedMicrocredits === asked ? '' : ' in part'}${again}`;
  },
});

const freeze = operation({
  name: 'setAccountFrozen',
  // Let go soon again, or hardly anything would be held.
  data: fields({
    slot: accountSlot,
    letGo: fc.oneof(weighed(3, true), weighed(1, false)),
    freeze: fc.constantFrom(true, false, false),
    key: keys(6),
    reason,
  }),
  call: (model, { slot, letGo, freeze, key, reason }) => {
    const account = model.accounts.get(model.accountId(slot));
    const frozen = account?.frozen === true ? !letGo : freeze;
    return { accountId: model.accountId(slot), frozen, reason, idempotencyKey: keyOf(key, operationKeys(account)) };
  },
  predict: setAccountFrozen,
  perform: ({ ledger }, call) => ledger.setAccountFrozen(call),
});

/** The cap is set by hand, in the database: around what is active at the moment, or far from it. */
const cap = operation({
  name: 'cap',
  data: fields({ slot: fc.nat(2), room: fc.constantFrom(0, 0, 1, 2, null, null), fixed: fc.constantFrom(300, 300, 0) }),
  call: (model, { slot, room, fixed }) => {
    const accountId = model.accountId(slot);
    const active = model.accounts.get(accountId)?.active ?? 0;
    return { accountId, most: room === null ? fixed : active + room };
  },
  predict: (model, { accountId, most }) => {
    const account = model.accounts.get(accountId);
    if (account !== undefined) account.cap = most;
    return undefined;
  },
  perform: async ({ admin }, { accountId, most }) => {
    await admin.query('UPDATE accounts SET max_active_generations = $2 WHERE id = $1', [accountId, most]);
  },
});

export const MODELS = ['cheap', 'dear', 'unpriced'] as const;
export const SIZES = ['small', 'large', 'unpriced'] as const;
const [DAY, NEXT_DAY] = [new Date(Date.UTC(2100, 0, 1)), new Date(Date.UTC(2100, 0, 2))];

interface DrawnPrice {
  readonly model: number;
  readonly size: number;
  readonly cost: number;
  readonly edge: number;
  readonly margin: number;
  readonly from: Date | null;
  readonly atEdge: boolean;
  readonly key: SomeKey;
}

export const price = operation({
  name: 'setPrice',
  data: fields({
    // The other model has the prices at the edges, so that something stays affordable.
    model: fc.oneof(weighed(1, 0), weighed(2, 1)),
    size: fc.constantFrom(0, 0, 0, 1),
    cost: fc.oneof(weighed(3, 75, 100), { weight: 3, arbitrary: fc.nat(200) }),
    edge: fc.constantFrom(1, 1e12, 1e12, 0, -1, 1e12 + 1, LIMIT),
    margin: fc.oneof(weighed(4, 0), weighed(3, 1, 3000, 3333, 9933, 9934, 9999, 10_000, -1)),
    from: fc.oneof(weighed(5, null), weighed(4, DAY, DAY, NEXT_DAY), weighed(1, new Date(0))),
    atEdge: fc.boolean(),
    key: keys(3),
  }),
  call: (model, data: DrawnPrice) => {
    const isDear = data.model === 1;
    return {
      model: model.named(MODELS[data.model] ?? ''),
      size: SIZES[data.size] ?? '',
      costPerSecondMicrocredits: isDear && data.atEdge ? data.edge : data.cost,
      marginBasisPoints: isDear ? data.margin : 0,
      effectiveFrom: data.from,
      idempotencyKey: priceKey(model, keyOf(data.key, model.prices.keys())),
    };
  },
  predict: setPrice,
  perform: ({ ledger }, call) => ledger.setPrice(call),
});

/** Prices are everybody's: their keys are unique in the whole database. */
function priceKey(model: Model, key: string): string {
  if (key === '' || key.length > 255 || model.prices.has(key)) return key;
  return model.named(key).slice(-255);
}

export const operatorCommands = [
  commands(2, open),
  commands(12, grant),
  commands(6, freeze),
  commands(2, cap),
  commands(5, price),
];
