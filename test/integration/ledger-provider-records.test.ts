import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../harness/support/database.ts';
import { PRICE, admit, createTestDatabase, openTenant } from '../harness/support/database.ts';
import { BLOCKED, FINISHED, OPEN, ledgerSteps } from '../harness/support/ledgerSteps.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(async () => {
  await db.drop();
});
afterEach(async () => {
  expect((await db.pool.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
});

const { held, created, seen, begin, settle, refuse, notMade, outlive, balance, noProof } = ledgerSteps(() => db);
const HELD = { available: 0, held: PRICE };
const REFUNDED = { available: PRICE, held: 0 };

describe('creating at most once', () => {
  // MR-30, MR-31
  it('two workers at once: one begins, the other learns that a call may have been sent', async () => {
    for (let round = 0; round < 10; round++) {
      const { id } = await held();
      const starts = await Promise.all([begin(id), begin(id), begin(id)]);
      expect(starts.map(({ outcome }) => outcome).sort()).toEqual(['begun', 'open', 'open']);
    }
  });

  it('a proof that nothing was made allows another attempt; a refusal allows none', async () => {
    const { id } = await held();
    expect(await begin(id)).toMatchObject({
      outcome: 'begun',
      number: 1,
      request: { prompt: 'a red fox', model: 'sora-2' },
    });
    await notMade(id);
    expect(await begin(id)).toMatchObject({ outcome: 'begun', number: 2 });
    await db.ledger.endAttempt(id, 2, { outcome: 'refused', code: 'invalid_request', message: 'No.' });
    expect(await begin(id)).toEqual({ outcome: 'refused', errorCode: 'invalid_request' });
  });

  // MR-46
  it('a known video is answered, not created again', async () => {
    const { id, video } = await created();
    expect(await begin(id)).toMatchObject({ outcome: 'known', providerVideoId: video });
    expect(await db.ledger.placeHold(id, 3600)).toMatchObject({ providerVideoId: video, attemptMayHaveArrived: false });
  });

  it('nothing is created after a settlement, nor before a hold', async () => {
    const hold = await held();
    await settle(hold.id, 'provider_unavailable');
    expect(await begin(hold.id)).toEqual({ outcome: 'settled' });
    const tenant = await openTenant(db, PRICE);
    expect(await begin(await admit(db, tenant))).toEqual({ outcome: 'settled' });
  });

  it('giving up for lack of time and beginning an attempt at once: never both', async () => {
    for (let round = 0; round < 15; round++) {
      const hold = await held();
      const [begun, settled] = await Promise.allSettled([begin(hold.id), settle(hold.id, 'provider_unavailable')]);
      const mayBeMade = begun.status === 'fulfilled' && begun.value.outcome === 'begun';
      expect(settled.status).toBe(mayBeMade ? 'rejected' : 'fulfilled');
      expect(await balance(hold)).toEqual(mayBeMade ? HELD : REFUNDED);
    }
  });

  it('one video never belongs to two generations, also when both claim it at once', async () => {
    const holds = await Promise.all([held(), held(), held()]);
    await Promise.all(holds.map(({ id }) => begin(id)));
    const video = 'provider_contested';
    const claims = await Promise.all(
      holds.map(({ id }) =>
        db.ledger.endAttempt(id, 1, { outcome: 'created', providerVideoId: video, providerCreatedAt: null }),
      ),
    );
    expect(claims.toSorted()).toEqual(['conflict', 'conflict', 'created']);
    for (const [index, { id }] of holds.entries()) {
      // Whose video was not theirs may still have made one: there is no second create.
      expect((await begin(id)).outcome).toBe(claims[index] === 'created' ? 'known' : 'conflict');
    }
  });

  it('an attempt is closed once', async () => {
    const { id, video } = await created();
    await refuse(id);
    await db.ledger.endAttempt(id, 1, { outcome: 'created', providerVideoId: 'another', providerCreatedAt: null });
    expect(await begin(id)).toMatchObject({ outcome: 'known', providerVideoId: video });
    await noProof(id, ['submission_refused']);
  });
});

describe('what a look saw', () => {
  it('the first terminal verdict stands', async () => {
    const { id, video } = await seen(BLOCKED);
    expect(await db.ledger.recordLook(id, video, FINISHED)).toEqual({
      verdict: 'failed',
      errorCode: 'moderation_blocked',
      differs: false,
      cancel: 'none',
    });
    expect(await db.ledger.recordLook(id, video, OPEN)).toMatchObject({
      verdict: 'failed',
      errorCode: 'moderation_blocked',
    });
    await noProof(id, ['completed']);
  });

  it('of two different ends seen at once one stands, and only it settles', async () => {
    for (let round = 0; round < 10; round++) {
      const { id, video } = await created();
      const looks = await Promise.all([FINISHED, BLOCKED].map((look) => db.ledger.recordLook(id, video, look)));
      expect(looks[0]).toEqual(looks[1]);
      const completed = looks[0]?.verdict === 'completed';
      await noProof(id, [completed ? 'provider_failed' : 'completed']);
      expect(await settle(id, completed ? 'completed' : 'provider_failed')).toMatchObject({ result: 'settled' });
    }
  });

  it("another generation's video is no evidence", async () => {
    const [mine, other] = await Promise.all([created(), created()]);
    await expect(db.ledger.recordLook(mine.id, other.video, FINISHED)).rejects.toMatchObject({ code: 'wrong_state' });
    await expect(db.ledger.recordLook((await held()).id, other.video, FINISHED)).rejects.toMatchObject({
      code: 'wrong_state',
    });
    await noProof(mine.id, ['completed']);
  });

  it('progress never goes back', async () => {
    const { id, video, tenant } = await created();
    for (const progress of [40, 20, null]) await db.ledger.recordLook(id, video, { ...OPEN, progress });
    expect(await db.ledger.getGeneration(tenant.accountId, id)).toMatchObject({ progress: 40 });
  });

  // MR-42
  it('nothing that is learned after a settlement changes it', async () => {
    const hold = await seen(OPEN);
    await outlive(hold.id);
    await settle(hold.id, 'expired');
    await db.ledger.recordLook(hold.id, hold.video, FINISHED);
    expect(await settle(hold.id, 'completed')).toMatchObject({
      result: 'conflict',
      settlement: { charged: false, reason: 'expired' },
    });
    expect(await balance(hold)).toEqual(REFUNDED);
  });
});
