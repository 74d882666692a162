import fc from 'fast-check';
import { ledgerSteps } from '../support/ledgerSteps.ts';
import { amountAround, amountOf, fields, find, keyOf, keys, mostly, nth, someGeneration, weighed } from './draws.ts';
import { commands, operation } from './operation.ts';
import type { Reason, RefundCall, SettleCall } from './settlements.ts';
import { REASONS, isProven, recordSettlementRefusal, refundGeneration, settleGeneration } from './settlements.ts';
import type { Generation, Model } from './state.ts';
import { refunded } from './state.ts';

/** Settlements and refunds. */

const isHeld = ({ state }: Generation) => state === 'held';
const isReady = (model: Model) => (generation: Generation) =>
  isHeld(generation) && REASONS.some((one) => one !== 'provider_unavailable' && isProven(model, generation, one));

export const settle = operation({
  name: 'settleGeneration',
  data: fields({
    which: someGeneration,
    reason: fc.constantFrom(...REASONS),
    proven: fc.oneof(weighed(3, true), weighed(2, false)),
    back: fc.nat(5),
    charge: fc.oneof(weighed(2, null), { weight: 3, arbitrary: amountAround(6, 'held', 'nothing') }),
  }),
  call: (model, { which, reason, proven, back, charge }): SettleCall => {
    const { id, generation } = find(model, which, proven ? isReady(model) : isHeld);
    // Nothing was made yet is proven of whatever has just begun: it would end most of them.
    const isMeant = (one: Reason) => one !== 'provider_unavailable' || back === 5;
    const isApt = (one: Reason) => generation !== undefined && isMeant(one) && isProven(model, generation, one);
    const provable = REASONS.filter(isApt);
    const likely: readonly Reason[] = provable.includes('completed') && back < 3 ? ['completed'] : provable;
    const chosen = (proven ? nth(likely, back) : undefined) ?? reason;
    const measures = { held: generation?.amount ?? 0, nothing: 0 };
    // What is not captured is charged something only now and then, which is refused.
    const isCharged = charge !== null && (chosen === 'completed' || back === 5);
    return { generationId: id, reason: chosen, chargeMicrocredits: isCharged ? amountOf(charge, measures) : undefined };
  },
  predict: settleGeneration,
  perform: ({ ledger }, { generationId, reason, chargeMicrocredits }) =>
    ledger.settleGeneration(generationId, reason, chargeMicrocredits === undefined ? {} : { chargeMicrocredits }),
  kind: ({ error, result, settlement }, { generationId, reason }, model) => {
    if (error !== undefined) return error;
    if (result !== 'settled' || settlement === undefined) return result;
    const { amount, charged, claimOf } = model.generations.get(generationId) as Generation;
    if (charged !== null && claimOf !== null) return 'settled completed, of a claim';
    if (charged !== null && charged < amount) return 'settled completed, in part';
    return `settled ${settlement.reason}${reason === 'emergency' && settlement.charged ? ' in an emergency' : ''}`;
  },
});

const refund = operation({
  name: 'refundGeneration',
  data: fields({
    which: someGeneration,
    charged: mostly,
    amount: fc.oneof(weighed(1, null), { weight: 3, arbitrary: amountAround(8, 'left', 'charged') }),
    key: keys(4),
    reason: fc.oneof(weighed(9, 'a reason'), weighed(1, 'another', '', 'r'.repeat(500), 'r'.repeat(501))),
  }),
  call: (model, { which, charged, amount, key, reason }): RefundCall => {
    const { id, generation } = find(model, which, ({ charged: captured }) => (captured !== null) === charged);
    const captured = generation?.charged ?? 0;
    const measures = { charged: captured, left: generation === undefined ? 0 : captured - refunded(generation) };
    return {
      generationId: id,
      amountMicrocredits: amount === null ? null : amountOf(amount, measures),
      reason,
      idempotencyKey: keyOf(key, generation?.refunds.keys()),
    };
  },
  predict: refundGeneration,
  perform: ({ ledger }, call) => ledger.refundGeneration(call),
  kind: ({ outcome, replayed }, { amountMicrocredits }) => {
    if (outcome !== 'refunded') return undefined;
    return `refunded${amountMicrocredits === null ? ' what was left' : ''}${replayed === true ? ' again' : ''}`;
  },
});

const refuse = operation({
  name: 'recordSettlementRefusal',
  data: someGeneration,
  call: (model, which) => find(model, which, isReady(model)).id,
  predict: recordSettlementRefusal,
  perform: ({ ledger }, generationId) => ledger.recordSettlementRefusal(generationId, 'completed', 'a rule'),
});

/** Lets ten minutes pass after the first refusal of a settlement. */
const waitTenMinutes = operation({
  name: 'waitTenMinutes',
  data: someGeneration,
  call: (model, which) => find(model, which, ({ settlementRefused }) => settlementRefused === 'now').id,
  predict: (model, generationId) => {
    const generation = model.generations.get(generationId);
    if (generation?.settlementRefused === 'now') generation.settlementRefused = 'long ago';
    return undefined;
  },
  perform: async ({ admin }, generationId) => {
    const earlier =
      "UPDATE generations SET settlement_refused_at = settlement_refused_at - interval '10 minutes' WHERE id = $1";
    await admin.query(earlier, [generationId]);
  },
});

/** Lets a hold's time pass. */
export const outlive = operation({
  name: 'outlive',
  data: someGeneration,
  call: (model, which) => find(model, which, isHeld).id,
  predict: (model, generationId) => {
    const generation = model.generations.get(generationId);
    // As the steps bend it: placed two hours ago, over for a second.
    if (generation !== undefined)
      Object.assign(generation, {
        outlived: generation.holdTtlMs > 0,
        holdTtlMs: generation.holdTtlMs > 0 ? 7_199_000 : 0,
      });
    return undefined;
  },
  perform: (db, generationId) => ledgerSteps(() => db).outlive(generationId),
});

export const settlementCommands = [
  commands(18, settle),
  commands(10, refund),
  commands(3, refuse),
  commands(3, waitTenMinutes),
  commands(1, outlive),
];
