import { createHash, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { textId, videoId } from '../../contracts/ids.ts';
import type { Tenant, TestDatabase } from '../harness/support/database.ts';
import { createTestDatabase, openTenant, PRICE } from '../harness/support/database.ts';
import { FINISHED, ledgerSteps, PROVIDER } from '../harness/support/ledgerSteps.ts';

/** Texts in the ledger (MR-60 to MR-63), and videos made from others. */

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase(5);
});
afterAll(async () => {
  await db.drop();
});
afterEach(async () => {
  expect((await db.pool.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
});

const { created, seen, begin, settle, outlive, noProof } = ledgerSteps(() => db);

const GRANTED = 1_000_000;
const INPUT = 700;
const MAXIMUM = 1000;
/** Of that many tokens: (700 × 0.4 + 1000 × 1.6) ÷ 0.7 microcredits, rounded up. */
const HELD = 2686;

const request = (tenant: Tenant, idempotencyKey: string | null = null) => ({
  ...tenant,
  generationId: textId('script', randomUUID()),
  model: 'gpt-4.1-mini',
  request: {},
  inputBoundTokens: INPUT,
  maxOutputTokens: MAXIMUM,
  admitWithinMs: 60_000,
  fingerprint: createHash('sha256').update('a').digest(),
  idempotencyKey,
});

interface Writing {
  readonly id: string;
  readonly tenant: Tenant;
}
const held = async (): Promise<Writing> => {
  const tenant = await openTenant(db, GRANTED);
  const asked = request(tenant);
  expect(await db.ledger.admitText(asked)).toMatchObject({ outcome: 'admitted', amountMicrocredits: HELD });
  await db.ledger.placeHold(asked.generationId, 3600);
  return { id: asked.generationId, tenant };
};
const begun = async () => {
  const writing = await held();
  expect(await begin(writing.id)).toMatchObject({ outcome: 'begun', number: 1 });
  return writing;
};
const balance = async ({ tenant }: Writing) => {
  const { availableMicrocredits, heldMicrocredits, activeGenerations } = await db.ledger.getBalance(tenant.accountId);
  return {
    charged: GRANTED - availableMicrocredits - heldMicrocredits,
    held: heldMicrocredits,
    active: activeGenerations,
  };
};
const SETTLED = (charged: number) => ({ charged, held: 0, active: 0 });
const end = ({ id }: Writing, output: string, usage: { inputTokens: number; outputTokens: number } | null) =>
  db.ledger.endText(id, 1, { output, finishReason: usage === null ? null : 'stop', usage });

const LEASE_MS = 60_000;
const record = ({ id }: Writing, output: string) => db.ledger.recordText(id, 1, output, LEASE_MS);
/** Its lease runs out. */
const lapses = ({ id }: Writing) =>
  db.admin.query(
    "UPDATE provider_attempts SET lease_until = clock_timestamp() - interval '1 second' WHERE generation_id = $1",
    [id],
  );
/** Its lease runs out, and the last call is not answered either. */
const dies = async (writing: Writing) => {
  await lapses(writing);
  expect(await db.ledger.closeText(writing.id)).toBe('writing');
  await lapses(writing);
};

describe('a text', () => {
  // MR-60, MR-61
  it('holds the most that it can cost, and is charged what the provider billed', async () => {
    const writing = await begun();
    expect(await balance(writing)).toEqual({ charged: 0, held: HELD, active: 1 });
    expect(await end(writing, 'abcdef', { inputTokens: 100, outputTokens: 50 })).toBe(true);
    expect(await settle(writing.id, 'completed')).toMatchObject({ result: 'settled', settlement: { charged: true } });
    // (100 × 0.4 + 50 × 1.6) ÷ 0.7
    expect(await balance(writing)).toEqual(SETTLED(172));
    expect(await settle(writing.id, 'completed')).toMatchObject({ result: 'settled' });
    expect(await balance(writing)).toEqual(SETTLED(172));
  });

  // MR-8
  it('is never charged more than is held, whatever the provider says that it billed', async () => {
    const writing = await begun();
    await end(writing, 'abcdef', { inputTokens: 1_000_000, outputTokens: 1_000_000 });
    await settle(writing.id, 'completed');
    expect(await balance(writing)).toEqual(SETTLED(HELD));
  });

  // MR-61
  it('without the count of the provider is charged what was delivered, at its upper bound', async () => {
    const writing = await begun();
    expect(await record(writing, 'abc')).toBe(true);
    expect(await record(writing, 'abcdef')).toBe(true);
    expect(await record(writing, 'ab')).toBe(true);
    await dies(writing);
    expect(await db.ledger.closeText(writing.id)).toBe('ended');
    expect(await db.ledger.getText(writing.tenant.accountId, writing.id)).toMatchObject({ output: 'abcdef' });
    await settle(writing.id, 'completed');
    // (700 × 0.4 + 6 × 1.6) ÷ 0.7
    expect(await balance(writing)).toEqual(SETTLED(414));
  });

  it('that the provider counts as nothing although it was delivered is charged as one that it did not count', async () => {
    for (const inputTokens of [0, 100]) {
      const writing = await begun();
      await end(writing, 'abcdef', { inputTokens, outputTokens: 0 });
      await settle(writing.id, 'completed');
      expect(await balance(writing)).toEqual(SETTLED(414));
    }
  });

  it('whose price is beyond any number is charged what is held', async () => {
    const writing = await begun();
    await end(writing, 'abcdef', { inputTokens: Number.MAX_SAFE_INTEGER, outputTokens: Number.MAX_SAFE_INTEGER });
    await db.admin.query(
      `INSERT INTO text_prices (model, input_cost_microcredits_per_million_tokens, output_cost_microcredits_per_million_tokens, margin_basis_points)
       VALUES ('dear', 1000000000000, 1000000000000, 9999)`,
    );
    await db.admin.query('ALTER TABLE texts DISABLE TRIGGER texts_guard');
    await db.admin.query(
      "UPDATE texts SET text_price_id = (SELECT id FROM text_prices WHERE model = 'dear') WHERE generation_id = $1",
      [writing.id],
    );
    await db.admin.query('ALTER TABLE texts ENABLE TRIGGER texts_guard');
    await settle(writing.id, 'completed');
    expect(await balance(writing)).toEqual(SETTLED(HELD));
  });

  // MR-61
  it('of which nothing was delivered costs nothing, even if the provider billed it', async () => {
    for (const usage of [null, { inputTokens: 100, outputTokens: 900 }]) {
      const writing = await begun();
      await end(writing, '', usage);
      expect(await settle(writing.id, 'completed')).toMatchObject({
        settlement: { charged: false, reason: 'nothing_to_charge', errorCode: 'nothing_delivered' },
      });
      expect(await balance(writing)).toEqual(SETTLED(0));
    }
  });

  it('is not charged before its end, nor in part, nor released while it is written or after its end', async () => {
    const writing = await begun();
    await record(writing, 'abc');
    await noProof(writing.id, [
      'completed',
      'provider_unavailable',
      'cancelled',
      'create_failed',
      'submission_refused',
    ]);
    await end(writing, 'abcdef', null);
    await noProof(writing.id, [
      'provider_unavailable',
      'cancelled',
      'create_failed',
      'submission_refused',
      'provider_failed',
    ]);
    await expect(db.ledger.settleGeneration(writing.id, 'completed', { chargeMicrocredits: 1 })).rejects.toMatchObject({
      code: 'constraint',
    });
    expect(await balance(writing)).toMatchObject({ charged: 0, held: HELD });
  });

  // MR-62, MR-63
  it('has one writer: another begins nothing, and one that was given up writes nothing more', async () => {
    const writing = await begun();
    expect(await begin(writing.id)).toMatchObject({ outcome: 'open' });
    await record(writing, 'abc');
    await dies(writing);
    await db.ledger.closeText(writing.id);
    expect(await record(writing, 'abcdef')).toBe(false);
    expect(await end(writing, 'abcdef', { inputTokens: 1, outputTokens: 1 })).toBe(false);
    expect(await begin(writing.id)).toMatchObject({ outcome: 'known' });
    await expect(
      db.admin.query("UPDATE texts SET output = 'x' WHERE generation_id = $1", [writing.id]),
    ).rejects.toThrow(/ends once/);
  });

  it('whose writer is gone at the end of its time is charged what it delivered, and one that was never asked is released', async () => {
    const [lost, never] = [await begun(), await held()];
    await record(lost, 'abcdef');
    expect(await settle(lost.id, 'expired')).toMatchObject({ result: 'not_due' });
    for (const { id } of [lost, never]) await outlive(id);
    await dies(lost);
    expect(await settle(lost.id, 'expired')).toMatchObject({ result: 'terminal', look: { verdict: 'completed' } });
    await settle(lost.id, 'completed');
    expect(await balance(lost)).toEqual(SETTLED(414));
    expect(await settle(never.id, 'expired')).toMatchObject({ settlement: { charged: false, reason: 'expired' } });
    expect(await balance(never)).toEqual(SETTLED(0));
  });

  // MR-63
  it('is not closed while its writer renews the lease, at the end of its time neither', async () => {
    const writing = await begun();
    await record(writing, 'abc');
    await outlive(writing.id);
    expect(await db.ledger.closeText(writing.id)).toBe('writing');
    const waits = await settle(writing.id, 'expired');
    expect(waits).toMatchObject({ result: 'not_due' });
    expect('timeLeftMs' in waits && waits.timeLeftMs).toBeGreaterThan(LEASE_MS / 2);
    expect(await end(writing, 'abcdef', { inputTokens: 100, outputTokens: 50 })).toBe(true);
    expect(await db.ledger.closeText(writing.id)).toBe('ended');
    expect(await settle(writing.id, 'expired')).toMatchObject({ result: 'terminal', look: { verdict: 'completed' } });
    await settle(writing.id, 'completed');
    expect(await balance(writing)).toEqual(SETTLED(172));
  });

  it('whose writer could not renew its lease is called once more, and goes on if it answers', async () => {
    const writing = await begun();
    await record(writing, 'abc');
    await lapses(writing);
    expect(await db.ledger.closeText(writing.id)).toBe('writing');
    expect(await record(writing, 'abcdef')).toBe(true);
    await dies(writing);
    expect(await record(writing, 'abcdefg')).toBe(true);
    await dies(writing);
    expect(await db.ledger.closeText(writing.id)).toBe('ended');
    expect(await db.ledger.getText(writing.tenant.accountId, writing.id)).toMatchObject({ output: 'abcdefg' });
    await settle(writing.id, 'completed');
  });

  it('is not left to a lease of a clock that was set back since', async () => {
    const writing = await begun();
    await record(writing, 'abcdef');
    const set = () =>
      db.admin.query(
        "UPDATE provider_attempts SET lease_until = clock_timestamp() + interval '1 hour' WHERE generation_id = $1",
        [writing.id],
      );
    await set();
    expect(await db.ledger.closeText(writing.id)).toBe('writing');
    await set();
    expect(await db.ledger.closeText(writing.id)).toBe('ended');
    await settle(writing.id, 'completed');
  });

  it('whose writer was gone before it took a lease was never asked for, and is asked for by another', async () => {
    const writing = await begun();
    expect(await db.ledger.closeText(writing.id)).toBe('not_asked');
    expect(await record(writing, '')).toBe(false);
    expect(await begin(writing.id)).toMatchObject({ outcome: 'begun', number: 2 });
    await outlive(writing.id);
    expect(await settle(writing.id, 'expired')).toMatchObject({ settlement: { charged: false, reason: 'expired' } });
    expect(await balance(writing)).toEqual(SETTLED(0));
  });

  it('that was refused, or for which the provider took nothing, is released and counts no longer', async () => {
    const [refused, away] = [await begun(), await begun()];
    await db.ledger.endAttempt(refused.id, 1, { outcome: 'refused', code: 'invalid_request', message: 'No.' });
    await db.ledger.endAttempt(away.id, 1, { outcome: 'not_made', code: 'not_made', message: 'HTTP 429' });
    await settle(refused.id, 'submission_refused');
    await settle(away.id, 'provider_unavailable');
    for (const writing of [refused, away]) expect(await balance(writing)).toEqual(SETTLED(0));
  });

  it('that an emergency released does not count against the cap', async () => {
    const writing = await begun();
    await db.admin.query("UPDATE generations SET settlement_refused_at = now() - interval '11 minutes' WHERE id = $1", [
      writing.id,
    ]);
    await db.ledger.settleGeneration(writing.id, 'emergency');
    expect(await balance(writing)).toEqual(SETTLED(0));
  });

  it('keeps the answers of its idempotency key as a video does', async () => {
    const poor = await openTenant(db, HELD - 1);
    expect(await db.ledger.admitText(request(poor, 'k'))).toMatchObject({ outcome: 'insufficient_credits' });
    expect(await db.ledger.admitText(request(poor, 'k'))).toMatchObject({ outcome: 'replay', status: 402 });
    const rich = await openTenant(db, GRANTED);
    const first = request(rich, 'k');
    await db.ledger.admitText(first);
    expect(await db.ledger.admitText(request(rich, 'k'))).toMatchObject({ outcome: 'in_use' });
    await db.ledger.placeHold(first.generationId, 3600);
    expect(await db.ledger.admitText(request(rich, 'k'))).toMatchObject({
      outcome: 'replay',
      generationId: first.generationId,
    });
    expect(await db.ledger.admitText({ ...request(rich), model: 'another' })).toEqual({ outcome: 'unknown_model' });
  });
});

describe('the request of a text', () => {
  it('is kept as it was asked, for who writes it and for its owner', async () => {
    const tenant = await openTenant(db, GRANTED);
    const asked = { ...request(tenant), request: { kind: 'thread', topic: '"a" ü\n🦊', posts: 3 } };
    await db.ledger.admitText(asked);
    await db.ledger.placeHold(asked.generationId, 3600);
    expect(await db.ledger.getText(tenant.accountId, asked.generationId)).toMatchObject({ request: asked.request });
    expect(await db.ledger.beginText(asked.generationId, [PROVIDER], 0)).toEqual({
      outcome: 'begun',
      number: 1,
      model: 'gpt-4.1-mini',
      provider: PROVIDER.identity,
      request: asked.request,
      ...{ user: null, metadata: {} },
    });
    expect(await db.ledger.beginText(asked.generationId, [PROVIDER], 0)).toEqual({ outcome: 'open' });
  });

  it.each([
    ['no object', ['a']],
    ['too long', { topic: 'a'.repeat(32_000) }],
  ])('that is %s is refused, and nothing is kept', async (_what, refused) => {
    const asked = { ...request(await openTenant(db, GRANTED)), request: refused };
    // pg would send an array as one of PostgreSQL's.
    const kept = { ...asked, request: { toJSON: () => refused } };
    await expect(db.ledger.admitText(kept)).rejects.toMatchObject({ code: 'constraint' });
    const { rowCount } = await db.admin.query('SELECT FROM generations WHERE id = $1', [asked.generationId]);
    expect(rowCount).toBe(0);
  });
});

describe('a remix', () => {
  const remix = (tenant: Tenant, remixOf: string) => ({
    ...tenant,
    generationId: videoId(randomUUID()),
    model: 'sora-2',
    seconds: 4,
    size: '720x1280',
    prompt: 'at night',
    remixOf,
    admitWithinMs: 60_000,
    fingerprint: createHash('sha256').update('r').digest(),
    idempotencyKey: null,
  });
  const charged = async () => {
    const hold = await seen(FINISHED);
    await settle(hold.id, 'completed');
    await db.ledger.grantCredits({ ...hold.tenant, amountMicrocredits: PRICE, reason: 'r', idempotencyKey: 'more' });
    return hold;
  };

  it('is priced as its original, whatever is said of its length, and created from the video of its original', async () => {
    const original = await charged();
    const asked = { ...remix(original.tenant, original.id), seconds: 12 };
    expect(await db.ledger.admitGeneration(asked)).toMatchObject({ outcome: 'admitted', amountMicrocredits: PRICE });
    await db.ledger.placeHold(asked.generationId, 3600);
    expect(await db.ledger.beginAttempt(asked.generationId, [PROVIDER])).toMatchObject({
      outcome: 'begun',
      request: { seconds: 4, prompt: 'at night', remixedFrom: original.video },
    });
    expect(await db.ledger.getOpenAttempt(asked.generationId)).toMatchObject({ remixedFrom: original.video });
  });

  it('is of own, charged, undeleted videos only', async () => {
    const [own, deleted, stranger, open] = [await charged(), await charged(), await charged(), await created()];
    const released = await seen({ ...FINISHED, verdict: 'failed', errorCode: 'c', errorMessage: 'm' } as never);
    await settle(released.id, 'provider_failed');
    await db.ledger.deleteGeneration(deleted.tenant.accountId, deleted.id);
    for (const [tenant, id] of [
      [stranger.tenant, own.id],
      [deleted.tenant, deleted.id],
      [open.tenant, open.id],
      [released.tenant, released.id],
    ] as const) {
      expect(await db.ledger.admitGeneration(remix(tenant, id))).toEqual({ outcome: 'unknown_original' });
    }
  });
});
