import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { videoId } from '../../contracts/ids.ts';
import type { TestDatabase } from '../harness/support/database.ts';
import { admissionRequest, PRICE, admit, createTestDatabase, openTenant } from '../harness/support/database.ts';
import { FINISHED, ledgerSteps } from '../harness/support/ledgerSteps.ts';

/** Which of the configured providers a generation is submitted to, and what is open at others (MR-38). */

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(async () => {
  await db.drop();
});

const { notMade } = ledgerSteps(() => db);
const at = (name: string, host = name) => ({ name, identity: `${name}@http://${host}.test` });
const [FIRST, SECOND] = [at('first'), at('second')];

/** A held generation that is sold as this provider's; null: the default one's. */
async function sold(name: string | null): Promise<string> {
  const id = await admit(db, await openTenant(db, PRICE), randomUUID());
  // No role may change it later, so the triggers are disabled meanwhile.
  const client = await db.admin.connect();
  await client.query('BEGIN; SET LOCAL session_replication_role = replica');
  await client.query('UPDATE generations SET provider_name = $2 WHERE id = $1', [id, name]);
  await client.query('COMMIT');
  client.release();
  await db.ledger.placeHold(id, 3600);
  return id;
}

describe('an attempt', () => {
  it('is for the provider that the generation was sold for, wherever that stands among the configured', async () => {
    const id = await sold('second');
    expect(await db.ledger.beginAttempt(id, [FIRST, SECOND])).toMatchObject({
      outcome: 'begun',
      provider: SECOND.identity,
    });
  });

  it('is for the default provider where none was sold', async () => {
    expect(await db.ledger.beginAttempt(await sold(null), [FIRST, SECOND])).toMatchObject({ provider: FIRST.identity });
  });

  it('is not begun while its provider is not configured, nor given to another', async () => {
    const id = await sold('third');
    expect(await db.ledger.beginAttempt(id, [FIRST, SECOND])).toEqual({ outcome: 'no_provider' });
    expect(await db.ledger.beginAttempt(id, [FIRST, at('third')])).toMatchObject({ outcome: 'begun', number: 1 });
  });

  it('after one that made nothing goes to the same name, whatever the default is now', async () => {
    const id = await sold(null);
    await db.ledger.beginAttempt(id, [FIRST, SECOND]);
    await notMade(id);
    expect(await db.ledger.beginAttempt(id, [SECOND])).toEqual({ outcome: 'no_provider' });
    expect(await db.ledger.beginAttempt(id, [SECOND, FIRST])).toMatchObject({ number: 2, provider: FIRST.identity });
  });
});

it('a generation keeps the provider that it was sold for', async () => {
  const id = await sold('second');
  await expect(
    db.admin.query("UPDATE generations SET provider_name = 'first' WHERE id = $1", [id]),
  ).rejects.toMatchObject({ code: 'HF004' });
});

it('an event of one provider is not taken for a replay of another’s with the same id', async () => {
  const event = { webhookId: randomUUID(), type: 'video.completed', providerVideoId: randomUUID() };
  expect(await db.ledger.recordProviderEvent(FIRST.identity, event)).toMatchObject({ outcome: 'unknown' });
  expect(await db.ledger.recordProviderEvent(SECOND.identity, event)).toMatchObject({ outcome: 'unknown' });
  expect(await db.ledger.recordProviderEvent(SECOND.identity, event)).toMatchObject({ outcome: 'replayed' });
});

it('a video of a server whose name was changed has its owner still, and nobody else adopts it', async () => {
  const [before, after] = [at('before', 'renamed'), at('after', 'renamed')];
  const [owner, other] = [await sold(null), await sold(null)];
  const video = randomUUID();
  await db.ledger.beginAttempt(owner, [before]);
  await db.ledger.endAttempt(owner, 1, { outcome: 'created', providerVideoId: video, providerCreatedAt: null });
  await db.ledger.beginAttempt(other, [after]);
  expect([...(await db.ledger.findOwnedVideos(after.identity, [video])).keys()]).toEqual([video]);
  const found = { videos: [{ id: video, createdAt: null }], exact: true };
  expect(await db.ledger.adoptVideo(other, 1, found)).toMatchObject({ outcome: 'taken' });
  // It counts as owned beside one that is free.
  const free = { id: randomUUID(), createdAt: null };
  expect(await db.ledger.adoptVideo(other, 1, { videos: [...found.videos, free], exact: true })).toMatchObject({
    outcome: 'adopted',
    providerVideoId: free.id,
  });
  expect([...(await db.ledger.findOwnedVideos(at('after', 'elsewhere').identity, [video])).keys()]).toEqual([]);
});

it('a remix is for the provider that made its original, whichever is the default one now', async () => {
  const tenant = await openTenant(db, 3 * PRICE);
  const original = await admit(db, tenant, randomUUID());
  await db.ledger.placeHold(original, 3600);
  await db.ledger.beginAttempt(original, [SECOND]);
  const video = randomUUID();
  await db.ledger.endAttempt(original, 1, { outcome: 'created', providerVideoId: video, providerCreatedAt: null });
  await db.ledger.recordLook(original, video, FINISHED);
  await db.ledger.settleGeneration(original, 'completed');
  const asked = { model: '', seconds: null, size: null, prompt: 'now at night', remixOf: original };
  const request = admissionRequest(tenant, { ...asked, ...tenant, fingerprint: randomBytes(32) });
  expect(await db.ledger.admitGeneration({ ...request, providers: [FIRST.name] })).toMatchObject({
    outcome: 'no_provider',
  });
  const both = { ...request, generationId: videoId(randomUUID()), providers: [FIRST.name, SECOND.name] };
  expect(await db.ledger.admitGeneration(both)).toMatchObject({ outcome: 'admitted' });
  await db.ledger.placeHold(both.generationId, 3600);
  expect(await db.ledger.beginAttempt(both.generationId, [FIRST, SECOND])).toMatchObject({
    provider: SECOND.identity,
    request: { remixedFrom: video, remixedElsewhere: false },
  });
});

it('what is held for providers that are not configured is counted', async () => {
  const [here, gone, moved] = [at('here'), at('gone'), at('here', 'elsewhere')];
  for (const provider of [here, gone, gone, moved]) await db.ledger.beginAttempt(await sold(null), [provider]);
  await sold('never');
  const counted = await db.ledger.countAtOthers([here, FIRST, SECOND]);
  expect(counted).toEqual(
    expect.arrayContaining([
      { provider: gone.identity, generations: 2 },
      { provider: moved.identity, generations: 1 },
      { provider: 'never', generations: 1 },
    ]),
  );
  expect(counted.map(({ provider }) => provider)).not.toContain(here.identity);
});
