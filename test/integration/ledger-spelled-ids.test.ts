import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase, Tenant } from '../harness/support/database.ts';
import { PRICE, admit, createTestDatabase, openTenant } from '../harness/support/database.ts';
import { FINISHED, ledgerSteps, PROVIDER } from '../harness/support/ledgerSteps.ts';
import { SPELLINGS } from '../harness/support/spelledIds.ts';

/** A gateway spells one video's id differently at create, in its list, and when another deployment answers (MR-74). */

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

const { begin, settle } = ledgerSteps(() => db);

async function lost(prompt: string = randomUUID(), tenant?: Tenant): Promise<string> {
  const id = await admit(db, tenant ?? (await openTenant(db, PRICE)), prompt);
  await db.ledger.placeHold(id, 3600);
  expect(await begin(id)).toMatchObject({ outcome: 'begun' });
  return id;
}

const answered = (id: string, told: string) =>
  db.ledger.endAttempt(id, 1, { outcome: 'created', providerVideoId: told, providerCreatedAt: null });

const adopt = (id: string, ids: readonly string[]) =>
  db.ledger.adoptVideo(id, 1, { videos: ids.map((each) => ({ id: each, createdAt: null })), exact: true });

describe('a video whose id is spelled in several ways', () => {
  it('is kept as it was told, which is what calls use', async () => {
    const told = SPELLINGS.create(randomUUID());
    const id = await lost();
    expect(await answered(id, told)).toBe('created');
    expect(await db.ledger.getProviderVideo(id)).toMatchObject({ videoId: told });
  });

  it('is owned in every spelling, and by nobody else', async () => {
    const upstream = randomUUID();
    await answered(await lost(), SPELLINGS.create(upstream));
    const spelled = [...Object.values(SPELLINGS).map((spell) => spell(upstream)), upstream];
    const owned = await db.ledger.findOwnedVideos(PROVIDER.identity, [...spelled, SPELLINGS.list(randomUUID())]);
    expect([...owned.keys()]).toEqual(spelled);
  });

  it('that a generation owns is not adopted by another under another spelling', async () => {
    const [upstream, prompt] = [randomUUID(), randomUUID()];
    await answered(await lost(prompt), SPELLINGS.create(upstream));
    expect(await adopt(await lost(prompt), [SPELLINGS.list(upstream)])).toMatchObject({ outcome: 'taken' });
  });

  it('that two creates are answered with is a conflict, and both are on record', async () => {
    const [first, second] = [await lost(), await lost()];
    const upstream = randomUUID();
    expect(await answered(first, SPELLINGS.create(upstream))).toBe('created');
    expect(await answered(second, SPELLINGS.retrieve(upstream))).toBe('conflict');
    await db.ledger.recordLook(first, SPELLINGS.create(upstream), FINISHED);
    await expect(settle(first, 'completed')).rejects.toMatchObject({ code: 'no_proof' });
  });

  it('that a twin adopted from the list is not taken from it by the late answer of the other', async () => {
    const [prompt, tenant] = [randomUUID(), await openTenant(db, 2 * PRICE)];
    const [first, second] = [await lost(prompt, tenant), await lost(prompt, tenant)];
    const [one, two] = [randomUUID(), randomUUID()];
    expect(await adopt(first, [SPELLINGS.list(one), SPELLINGS.list(two)])).toMatchObject({ outcome: 'adopted' });
    expect(await answered(second, SPELLINGS.create(one))).toBe('closed');
    expect(await adopt(second, [SPELLINGS.list(one), SPELLINGS.list(two)])).toMatchObject({
      outcome: 'adopted',
      providerVideoId: SPELLINGS.list(two),
    });
  });

  it('is one video when it is listed twice: two equal attempts do not share it', async () => {
    const [prompt, tenant] = [randomUUID(), await openTenant(db, 2 * PRICE)];
    const [first] = [await lost(prompt, tenant), await lost(prompt, tenant)];
    const upstream = randomUUID();
    const twice = [SPELLINGS.list(upstream), SPELLINGS.retrieve(upstream)];
    expect(await adopt(first, twice)).toMatchObject({ outcome: 'unequal' });
  });

  it('is answered late with the video that was adopted, and leaves no orphan on record', async () => {
    const [id, upstream] = [await lost(), randomUUID()];
    expect(await adopt(id, [SPELLINGS.list(upstream)])).toMatchObject({ outcome: 'adopted' });
    expect(await answered(id, SPELLINGS.create(upstream))).toBe('closed');
    const { rows } = await db.pool.query(
      "SELECT FROM generation_events WHERE generation_id = $1 AND kind = 'orphan_video'",
      [id],
    );
    expect(rows).toEqual([]);
  });

  it('is recorded twice as the same answer of one create', async () => {
    const [id, upstream] = [await lost(), randomUUID()];
    expect(await answered(id, SPELLINGS.create(upstream))).toBe('created');
    expect(await answered(id, SPELLINGS.retrieve(upstream))).toBe('created');
  });

  it('is evidence in every spelling; another video is none', async () => {
    const [id, upstream] = [await lost(), randomUUID()];
    await answered(id, SPELLINGS.create(upstream));
    const another = db.ledger.recordLook(id, SPELLINGS.retrieve(randomUUID()), FINISHED);
    await expect(another).rejects.toMatchObject({ code: 'wrong_state' });
    expect(await db.ledger.recordLook(id, SPELLINGS.retrieve(upstream), FINISHED)).toMatchObject({
      verdict: 'completed',
    });
    expect(await settle(id, 'completed')).toMatchObject({ settlement: { charged: true } });
  });

  it('is looked at when a webhook names it in another spelling', async () => {
    const [id, upstream] = [await lost(), randomUUID()];
    await answered(id, SPELLINGS.create(upstream));
    const event = { webhookId: randomUUID(), type: 'video.completed', providerVideoId: upstream };
    expect(await db.ledger.recordProviderEvent(PROVIDER.identity, event)).toEqual({
      outcome: 'nudge',
      generationId: id,
    });
  });

  it('was in an earlier list in whatever spelling that showed it', async () => {
    const upstream = randomUUID();
    await db.ledger.noteOwnerlessVideos(PROVIDER.identity, [SPELLINGS.list(upstream)]);
    const attempt = await db.ledger.getOpenAttempt(await lost());
    const listed = [SPELLINGS.retrieve(upstream), SPELLINGS.list(randomUUID())];
    expect(attempt && [...(await db.ledger.findListedBefore(attempt, listed))]).toEqual(listed.slice(0, 1));
  });

  it('is found by an operator in every spelling', async () => {
    const [id, upstream] = [await lost(), randomUUID()];
    await answered(id, SPELLINGS.create(upstream));
    for (const spelled of [...Object.values(SPELLINGS).map((spell) => spell(upstream)), upstream]) {
      const search = { kinds: ['video'], providerVideoId: spelled } as const;
      const found = await db.ledger.searchGenerations(search, { limit: 10, order: 'desc', after: null });
      expect(found.items).toEqual([id]);
    }
  });
});
