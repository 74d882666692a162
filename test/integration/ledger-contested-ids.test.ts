import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { videoId } from '../../contracts/ids.ts';
import type { TestDatabase, Tenant } from '../harness/support/database.ts';
import { PRICE, admit, createTestDatabase, openTenant } from '../harness/support/database.ts';
import { BLOCKED, FINISHED, ledgerSteps, PROVIDER } from '../harness/support/ledgerSteps.ts';

/** A provider that gives one id to two creates, as one whose counter begins again: whose video it is then can't be known. */

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

const { begin, settle, outlive, noProof } = ledgerSteps(() => db);

const answered = (id: string, providerVideoId: string) =>
  db.ledger.endAttempt(id, 1, { outcome: 'created', providerVideoId, providerCreatedAt: null });

/** The server that is asked by default, configured under another name. */
const RENAMED = { identity: PROVIDER.identity.replace(/^openai/, 'vllm') };

async function asked(tenant: Tenant, prompt: string, provider = PROVIDER): Promise<string> {
  const id = await admit(db, tenant, prompt);
  await db.ledger.placeHold(id, 3600);
  await db.ledger.beginAttempt(id, [provider]);
  return id;
}

/** A generation that the provider has answered with this id. */
async function owner(video: string) {
  const tenant = await openTenant(db, 3 * PRICE);
  const id = await asked(tenant, randomUUID());
  expect(await answered(id, video)).toBe('created');
  return { tenant, id };
}

/** Another tenant's create is answered with the same id. */
async function contest(video: string): Promise<void> {
  expect(await answered(await asked(await openTenant(db, PRICE), randomUUID()), video)).toBe('conflict');
}

const charged = async (video: string) => {
  const made = await owner(video);
  await db.ledger.recordLook(made.id, video, FINISHED);
  expect(await settle(made.id, 'completed')).toMatchObject({ result: 'settled' });
  return made;
};
const archived = {
  state: 'archived',
  bytes: 1,
  sha256: Buffer.alloc(32),
  contentType: 'video/mp4',
  location: 'x',
} as const;
const daysLater = (id: string) =>
  db.admin.query("UPDATE generations SET last_look_at = last_look_at - interval '1 day' WHERE id = $1", [id]);

describe('the id of a video that is still being made, given to another attempt as well', () => {
  it.each([
    ['completes', FINISHED],
    ['fails', BLOCKED],
  ])('what %s under it is nobody’s: neither is charged for it, each hold waits for its end', async (_what, seen) => {
    const video = randomUUID();
    const { tenant, id } = await owner(video);
    await contest(video);
    expect(await db.ledger.recordLook(id, video, seen)).toMatchObject({ verdict: 'open', errorCode: null });
    await noProof(id, ['completed', 'provider_failed', 'create_failed', 'provider_unavailable', 'cancelled']);
    await outlive(id);
    expect(await settle(id, 'expired')).toMatchObject({ result: 'settled', settlement: { charged: false } });
    // Nor is it claimable afterwards.
    expect(await db.ledger.recordLook(id, video, seen)).toMatchObject({ verdict: 'open' });
    expect(await db.ledger.getGeneration(tenant.accountId, id)).toMatchObject({
      state: 'released',
      claimableUntil: null,
      providerVideoId: null,
    });
  });

  it('is no less its own when a twin of the same account has found it in the list: each has one of the two', async () => {
    const tenant = await openTenant(db, 2 * PRICE);
    const prompt = randomUUID();
    const [first, second] = [await asked(tenant, prompt), await asked(tenant, prompt)];
    const videos = [randomUUID(), randomUUID()].map((video) => ({ id: video, createdAt: null }));
    const { providerVideoId } = await db.ledger.adoptVideo(first, 1, { videos, exact: true });
    expect(await answered(second, providerVideoId ?? '')).toBe('closed');
    expect(await db.ledger.adoptVideo(second, 1, { videos, exact: true })).toMatchObject({ outcome: 'adopted' });
    expect(await db.ledger.recordLook(first, providerVideoId ?? '', FINISHED)).toMatchObject({ verdict: 'completed' });
    expect(await settle(first, 'completed')).toMatchObject({ settlement: { charged: true } });
  });
});

it('an id that was adopted before an equal request began is a conflict all the same: nothing more is submitted', async () => {
  const tenant = await openTenant(db, 2 * PRICE);
  const prompt = randomUUID();
  const first = await asked(tenant, prompt);
  const video = { id: randomUUID(), createdAt: null };
  expect(await db.ledger.adoptVideo(first, 1, { videos: [video], exact: true })).toMatchObject({ outcome: 'adopted' });
  const second = await asked(tenant, prompt);
  expect(await answered(second, video.id)).toBe('conflict');
  expect(await begin(second)).toEqual({ outcome: 'conflict' });
});

describe('a server that is configured under another name', () => {
  it('gives no second generation the same video: neither is charged for it', async () => {
    const video = randomUUID();
    const { id } = await owner(video);
    const second = await asked(await openTenant(db, PRICE), randomUUID(), RENAMED);
    expect(await answered(second, video)).toBe('conflict');
    await db.ledger.recordLook(id, video, FINISHED);
    await noProof(id, ['completed', 'provider_failed']);
    await noProof(second, ['completed', 'create_failed']);
  });

  it('is late with the answer to a twin, whose video the other found under the first name', async () => {
    const tenant = await openTenant(db, 2 * PRICE);
    const prompt = randomUUID();
    const [first, second] = [await asked(tenant, prompt), await asked(tenant, prompt, RENAMED)];
    const videos = [randomUUID(), randomUUID()].map((video) => ({ id: video, createdAt: null }));
    const { providerVideoId } = await db.ledger.adoptVideo(first, 1, { videos, exact: true });
    expect(await answered(second, providerVideoId ?? '')).toBe('closed');
  });

  it('answers late with a video that has an owner under the first name, which is recorded as no orphan', async () => {
    const video = randomUUID();
    await owner(video);
    const late = await asked(await openTenant(db, PRICE), randomUUID(), RENAMED);
    await db.ledger.endAttempt(late, 1, { outcome: 'not_found' });
    expect(await answered(late, video)).toBe('closed');
    const orphans = "SELECT FROM generation_events WHERE generation_id = $1 AND kind = 'orphan_video'";
    expect((await db.pool.query(orphans, [late])).rows).toEqual([]);
  });
});

describe('the id of a charged video, given to another attempt before its content was archived', () => {
  it('is no longer archived or shown; its charge is refunded once it is on record as gone', async () => {
    const video = randomUUID();
    const { tenant, id } = await charged(video);
    await contest(video);
    await expect(db.ledger.recordContent(id, 'video', archived)).rejects.toMatchObject({ code: 'no_proof' });
    expect(await db.ledger.getArchiving(id)).toMatchObject({ contested: true });
    expect(await db.ledger.getGeneration(tenant.accountId, id)).toMatchObject({ providerVideoId: null });
    await daysLater(id);
    expect(await db.ledger.recordContentGone(id)).toMatchObject({ refund: 'refunded' });
  });

  it('can’t be remixed', async () => {
    const video = randomUUID();
    const { tenant, id } = await charged(video);
    await contest(video);
    const remix = videoId(randomUUID());
    await db.ledger.admitGeneration({
      ...tenant,
      generationId: remix,
      model: 'sora-2',
      seconds: 4,
      size: '720x1280',
      prompt: 'again',
      remixOf: id,
      admitWithinMs: 60_000,
      fingerprint: Buffer.alloc(32),
      idempotencyKey: null,
    });
    await db.ledger.placeHold(remix, 3600);
    expect(await begin(remix)).toMatchObject({ request: { remixedElsewhere: true } });
  });
});

it('the id of a late video, given to another attempt: it can’t be claimed, and is not deleted at the provider', async () => {
  const video = randomUUID();
  const { tenant, id } = await owner(video);
  await outlive(id);
  await settle(id, 'expired');
  await db.ledger.recordLook(id, video, FINISHED);
  await contest(video);
  const claim = {
    generationId: videoId(randomUUID()),
    claimOf: id,
    admitWithinMs: 60_000,
    fingerprint: Buffer.alloc(32),
  };
  expect(await db.ledger.claimGeneration({ ...tenant, ...claim, idempotencyKey: null })).toMatchObject({
    outcome: 'not_claimable',
  });
  await db.admin.query("UPDATE generations SET claimable_until = now() - interval '1 minute' WHERE id = $1", [id]);
  expect(await db.ledger.beginDeletion(id)).toBeUndefined();
});
