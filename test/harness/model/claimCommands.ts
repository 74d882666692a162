import fc from 'fast-check';
import * as foretold from './claims.ts';
import { fields, find, mostly, nextNumber, someGeneration, weighed } from './draws.ts';
import { commands, operation } from './operation.ts';
import type { Generation, Model } from './state.ts';
import { isSettled } from './state.ts';

/** Commands after a release. */

const isClaimable = ({ claimable, deletion }: Generation) => claimable === 'now' && deletion === 'none';

const claim = operation({
  name: 'claimGeneration',
  data: fields({
    which: someGeneration,
    next: someGeneration,
    own: mostly,
    late: fc.oneof(weighed(7, 0), weighed(1, 1)),
  }),
  call: (model, { which, next, own, late }) => {
    const { id, generation } = find(model, which, isClaimable);
    const slots = [0, 1, 2];
    const owner = slots.find((slot) => generation?.accountId === model.accountId(slot)) ?? 0;
    const slot = own ? owner : 1 - (owner % 2);
    return {
      generationId: model.generationId(nextNumber(model, next)),
      claimOf: id,
      accountId: model.accountId(slot),
      apiKeyId: model.apiKeyId(slot),
      admitWithinMs: late === 1 ? -1000 : 3_600_000,
    };
  },
  predict: foretold.claimGeneration,
  perform: ({ ledger }, call) =>
    ledger.claimGeneration({ ...call, fingerprint: Buffer.from(call.claimOf.slice(-32)), idempotencyKey: null }),
});

const record = operation({
  name: 'recordContent',
  data: fields({ which: someGeneration, state: fc.constantFrom('archived', 'archived', 'gone') }),
  call: (model, { which, state }): foretold.ContentCall => {
    const isWaiting = ({ claimOf, state, deleted, content }: Generation) =>
      content === null && ((claimOf !== null && state === 'held') || (deleted && state === 'charged'));
    return { generationId: find(model, which, isWaiting).id, state };
  },
  predict: foretold.recordContent,
  perform: ({ ledger }, { generationId, state }) => {
    const archived = { ...foretold.ARCHIVED, location: `${generationId}/video` };
    return ledger.recordContent(generationId, 'video', state === 'gone' ? { state } : archived);
  },
});

const stop = operation({
  name: 'stopFollowing',
  data: someGeneration,
  call: (model, which) => find(model, which, (one) => one.countsAsActive && one.settledLongAgo).id,
  predict: foretold.stopFollowing,
  perform: ({ ledger }, generationId) => ledger.stopFollowing(generationId),
});

const voidLate = operation({
  name: 'voidLateRequests',
  data: fc.constant(1_000_000),
  call: (_model, limit) => limit,
  predict: (model) => foretold.voidLateRequests(model),
  perform: ({ ledger }, limit) => ledger.voidLateRequests(limit),
  kind: () => 'done',
});

const isOver = ({ claimable }: Generation) => claimable === 'over';

const beginDeletion = operation({
  name: 'beginDeletion',
  data: someGeneration,
  call: (model, which) => find(model, which, isOver).id,
  predict: foretold.beginDeletion,
  perform: async ({ ledger }, generationId) => (await ledger.beginDeletion(generationId))?.videoId,
  kind: ({ error }, generationId, model) => error ?? model.generations.get(generationId)?.deletion,
});

const endDeletion = operation({
  name: 'endDeletion',
  data: someGeneration,
  call: (model, which) => find(model, which, isOver).id,
  predict: foretold.endDeletion,
  perform: ({ ledger }, generationId) => ledger.endDeletion(generationId),
  kind: ({ error }, generationId, model) => error ?? model.generations.get(generationId)?.deletion,
});

/** Lets a day pass for one generation. */
const waitADay = operation({
  name: 'waitADay',
  data: someGeneration,
  call: (model, which) =>
    find(model, which, (one) => isSettled(one) && !one.settledLongAgo && (one.countsAsActive || isClaimable(one))).id,
  predict: (model: Model, generationId) => {
    const generation = model.generations.get(generationId);
    if (generation !== undefined && isSettled(generation)) generation.settledLongAgo = true;
    if (generation?.claimable === 'now') generation.claimable = 'over';
    return undefined;
  },
  // The time of a settlement never changes, so the triggers are disabled meanwhile.
  perform: async ({ admin }, generationId) => {
    const client = await admin.connect();
    try {
      await client.query('BEGIN; SET LOCAL session_replication_role = replica');
      await client.query(
        `UPDATE generations SET settled_at = settled_at - interval '25 hours', claimable_until = claimable_until - interval '25 hours'
         WHERE id = $1`,
        [generationId],
      );
      await client.query('COMMIT');
    } finally {
      client.release();
    }
  },
});

export const claimCommands = [
  commands(7, claim),
  commands(3, record),
  commands(3, stop),
  commands(1, voidLate),
  commands(2, beginDeletion),
  commands(2, endDeletion),
  commands(3, waitADay),
];
