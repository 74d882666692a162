import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ReleaseReason } from '../../contracts/activities.ts';
import type { TestDatabase, Tenant } from '../support/database.ts';
import { PRICE, admit, createTestDatabase, openTenant } from '../support/database.ts';

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

interface Held {
  readonly tenant: Tenant;
  readonly id: string;
}
const PROVIDER = { baseUrl: 'http://provider', credential: 'default' };
const FINISHED = {
  verdict: 'completed',
  status: 'completed',
  progress: 100,
  completedAt: null,
  errorCode: null,
  errorMessage: null,
} as const;
const OPEN = { ...FINISHED, verdict: 'open', status: 'in_progress', progress: 10 } as const;
const BLOCKED = {
  ...FINISHED,
  verdict: 'failed',
  status: 'failed',
  errorCode: 'moderation_blocked',
  errorMessage: 'Blocked.',
} as const;

const held = async (): Promise<Held> => {
  const tenant = await openTenant(db, PRICE);
  const id = await admit(db, tenant);
  await db.ledger.placeHold(id, 3600);
  return { tenant, id };
};
let videos = 0;
const created = async (): Promise<Held & { video: string }> => {
  const hold = await held();
  const video = `provider_${++videos}`;
  await begin(hold.id);
  await db.ledger.endCreate(hold.id, 1, { outcome: 'created', providerVideoId: video, providerCreatedAt: null });
  return { ...hold, video };
};
const seen = async (look: typeof FINISHED | typeof BLOCKED | typeof OPEN) => {
  const hold = await created();
  await db.ledger.recordLook(hold.id, hold.video, look);
  return hold;
};
const begin = (id: string) => db.ledger.beginCreate(id, PROVIDER);
const settle = (id: string, reason: ReleaseReason | 'completed') => db.ledger.settleGeneration(id, reason);
const refuse = (id: string) =>
  db.ledger.endCreate(id, 1, { outcome: 'refused', code: 'invalid_request', message: 'No.' });
const notMade = (id: string) =>
  db.ledger.endCreate(id, 1, { outcome: 'not_made', code: 'not_made', message: 'HTTP 429' });
/** Past its hour; nobody's role can do this, so the triggers are off for the moment. */
const outlive = async (id: string) => {
  const client = await db.admin.connect();
  try {
    await client.query('BEGIN; SET LOCAL session_replication_role = replica');
    await client.query(
      "UPDATE holds SET placed_at = now() - interval '2 hours', expires_at = now() - interval '1 s' WHERE generation_id = $1",
      [id],
    );
    await client.query('COMMIT');
  } finally {
    client.release();
  }
};
const balance = async ({ tenant }: Held) => {
  const { availableMicrocredits, heldMicrocredits } = await db.ledger.getBalance(tenant.accountId);
  return { available: availableMicrocredits, held: heldMicrocredits };
};
const HELD = { available: 0, held: PRICE };
const REFUNDED = { available: PRICE, held: 0 };
const noProof = (id: string, reasons: (ReleaseReason | 'completed')[]) =>
  Promise.all(reasons.map((reason) => expect(settle(id, reason), reason).rejects.toMatchObject({ code: 'no_proof' })));

describe('creating at most once', () => {
  it('two workers at once: one begins, the other is told that a call may be on its way', async () => {
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
      request: { prompt: 'a red fox', model: 'sora-2', inputReference: null },
    });
    await notMade(id);
    expect(await begin(id)).toMatchObject({ outcome: 'begun', number: 2 });
    await db.ledger.endCreate(id, 2, { outcome: 'refused', code: 'invalid_request', message: 'No.' });
    expect(await begin(id)).toEqual({ outcome: 'refused', errorCode: 'invalid_request' });
  });

  it('a known video is answered, not created again', async () => {
    const { id, video } = await created();
    expect(await begin(id)).toEqual({ outcome: 'known', providerVideoId: video });
    expect(await db.ledger.placeHold(id, 3600)).toMatchObject({ providerVideoId: video, createMayHaveArrived: false });
  });

  it('nothing is created after a settlement, nor before a hold', async () => {
    const hold = await held();
    await settle(hold.id, 'provider_unavailable');
    expect(await begin(hold.id)).toEqual({ outcome: 'settled' });
    const tenant = await openTenant(db, PRICE);
    expect(await begin(await admit(db, tenant))).toEqual({ outcome: 'settled' });
  });

  it('giving up for lack of time and beginning a create at once: never both', async () => {
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
    const video = `provider_${++videos}`;
    const claims = await Promise.allSettled(
      holds.map(({ id }) =>
        db.ledger.endCreate(id, 1, { outcome: 'created', providerVideoId: video, providerCreatedAt: null }),
      ),
    );
    const refused = claims.filter((claim) => claim.status === 'rejected');
    expect(refused.map(({ reason }) => (reason as { code: string }).code)).toEqual(['video_taken', 'video_taken']);
    for (const [index, { id }] of holds.entries()) {
      // Whose video was not theirs may still have made one: their attempt stays open.
      expect((await begin(id)).outcome).toBe(claims[index]?.status === 'fulfilled' ? 'known' : 'open');
    }
  });

  it('an attempt is closed once', async () => {
    const { id, video } = await created();
    await refuse(id);
    await db.ledger.endCreate(id, 1, { outcome: 'created', providerVideoId: 'another', providerCreatedAt: null });
    expect(await begin(id)).toEqual({ outcome: 'known', providerVideoId: video });
    await noProof(id, ['create_refused']);
  });
});

describe('what a look saw', () => {
  it('the first terminal verdict stands', async () => {
    const { id, video } = await seen(BLOCKED);
    expect(await db.ledger.recordLook(id, video, FINISHED)).toEqual({
      verdict: 'failed',
      errorCode: 'moderation_blocked',
    });
    expect(await db.ledger.recordLook(id, video, OPEN)).toEqual({ verdict: 'failed', errorCode: 'moderation_blocked' });
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
