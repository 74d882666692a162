import { createHash, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { textId, videoId } from '../../contracts/ids.ts';
import type { TestDatabase, Tenant } from '../harness/support/database.ts';
import { PRICE, admit, createTestDatabase, openTenant } from '../harness/support/database.ts';
import { FINISHED, adoptOne, ledgerSteps } from '../harness/support/ledgerSteps.ts';
import { runBehind } from '../harness/support/runBehind.ts';

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

const { held, begin, settle, outlive, balance, noProof, notMade } = ledgerSteps(() => db);
const PROVIDER = { identity: 'openai@http://provider' };
const ELSEWHERE = { identity: 'openai@http://elsewhere' };
/** The same server, configured under another name. */
const RENAMED = { identity: 'vllm@http://provider' };
const HELD = { available: 0, held: PRICE };
const REFUNDED = { available: PRICE, held: 0 };

interface Ask {
  readonly prompt?: string;
  readonly tenant?: Tenant;
  readonly provider?: { identity: string };
  readonly reference?: boolean;
  readonly remixOf?: string;
}

/** A generation that is held, and has begun no create. */
async function asked({ prompt = randomUUID(), tenant, reference = false, remixOf }: Ask = {}): Promise<string> {
  const id = videoId(randomUUID());
  await db.ledger.admitGeneration({
    ...(tenant ?? (await openTenant(db, PRICE))),
    generationId: id,
    model: 'sora-2',
    seconds: 4,
    size: '720x1280',
    prompt,
    images: reference
      ? [{ role: 'input_reference', bytes: Uint8Array.of(1), contentType: 'image/png', filename: 'a.png' }]
      : [],
    remixOf: remixOf ?? null,
    admitWithinMs: 60_000,
    fingerprint: createHash('sha256').update(prompt).digest(),
    idempotencyKey: null,
  });
  await db.ledger.placeHold(id, 3600);
  return id;
}

/** One whose only create may have arrived. */
async function lost(ask: Ask = {}): Promise<string> {
  const id = await asked(ask);
  expect(await db.ledger.beginAttempt(id, [ask.provider ?? PROVIDER])).toMatchObject({ outcome: 'begun' });
  return id;
}

const video = () => ({ id: randomUUID(), createdAt: null });
const answer = (id: string, number: number, providerVideoId: string) =>
  db.ledger.endAttempt(id, number, { outcome: 'created', providerVideoId, providerCreatedAt: null });
const adopt = (id: string, videos: ReturnType<typeof video>[], exact = true) =>
  db.ledger.adoptVideo(id, 1, { videos, exact });
const eventKinds = async (id: string) => {
  const sql = 'SELECT kind FROM generation_events WHERE generation_id = $1 ORDER BY sequence';
  return (await db.pool.query<{ kind: string }>(sql, [id])).rows.map(({ kind }) => kind);
};

it('the prompt of a deleted generation is not known: only a video equal to the byte is adopted beside it', async () => {
  const tenant = await openTenant(db, PRICE);
  const deleted = await lost({ prompt: 'a fox, and what its server cuts off', tenant });
  await outlive(deleted);
  await settle(deleted, 'expired');
  expect(await db.ledger.deleteGeneration(tenant.accountId, deleted)).toBe(true);
  const id = await lost({ prompt: 'a fox,' });
  expect(await adopt(id, [video()], false)).toMatchObject({ outcome: 'rival' });
  expect(await adopt(id, [video()])).toMatchObject({ outcome: 'adopted' });
  // Nothing else waits for it longer than it is followed.
  await db.admin.query(`UPDATE provider_attempts SET begun_at = now() - interval '25 hours' WHERE generation_id = $1`, [
    deleted,
  ]);
  expect(await adopt(await lost({ prompt: 'a cat,' }), [video()], false)).toMatchObject({ outcome: 'adopted' });
});

// MR-32, MR-34
it('a text that is written meanwhile is no rival in the search for a video', async () => {
  const tenant = await openTenant(db, PRICE);
  const text = textId('script', randomUUID());
  await db.ledger.admitText({
    ...tenant,
    generationId: text,
    model: 'gpt-4.1-mini',
    request: { topic: 'a fox' },
    inputBoundTokens: 10,
    maxOutputTokens: 10,
    admitWithinMs: 60_000,
    fingerprint: createHash('sha256').update(text).digest(),
    idempotencyKey: null,
  });
  await db.ledger.placeHold(text, 3600);
  expect(await db.ledger.beginText(text, [PROVIDER], 0)).toMatchObject({ outcome: 'begun' });
  expect(await adopt(await lost({ prompt: 'a fox,' }), [video()], false)).toMatchObject({ outcome: 'adopted' });
});

// MR-39
describe('an id of the provider that comes again', () => {
  it('belongs to no second generation: nothing more is submitted, nothing charged, the hold waits for its end', async () => {
    const first = await lost();
    expect(await answer(first, 1, 'again')).toBe('created');
    const hold = await held();
    await begin(hold.id);
    expect(await answer(hold.id, 1, 'again')).toBe('conflict');
    expect(await answer(hold.id, 1, 'again')).toBe('conflict');
    expect(await begin(hold.id)).toEqual({ outcome: 'conflict' });
    expect((await eventKinds(hold.id)).filter((kind) => kind === 'attempt_conflict')).toHaveLength(1);
    await db.ledger.requestCancel(hold.id, 'client');
    expect(await begin(hold.id)).toEqual({ outcome: 'conflict' });
    await expect(db.ledger.recordLook(hold.id, 'again', FINISHED)).rejects.toMatchObject({ code: 'wrong_state' });
    await noProof(hold.id, ['completed', 'provider_failed', 'create_failed', 'provider_unavailable', 'cancelled']);
    expect(await settle(hold.id, 'expired')).toMatchObject({ result: 'not_due' });
    expect(await balance(hold)).toEqual(HELD);
    await outlive(hold.id);
    expect(await settle(hold.id, 'expired')).toMatchObject({ result: 'settled' });
    expect(await balance(hold)).toEqual(REFUNDED);
    // A video may go on all the same.
    expect((await db.ledger.getBalance(hold.tenant.accountId)).activeGenerations).toBe(1);
  });

  it('after two attempts that were not found does not count as a third such attempt', async () => {
    const first = await lost();
    await answer(first, 1, 'thrice');
    const hold = await held();
    for (let number = 1; number <= 2; number += 1) {
      await begin(hold.id);
      await db.ledger.endAttempt(hold.id, number, { outcome: 'not_found' });
    }
    await begin(hold.id);
    expect(await answer(hold.id, 3, 'thrice')).toBe('conflict');
    await noProof(hold.id, ['create_failed', 'provider_unavailable']);
  });

  it('at another provider is another video', async () => {
    const [here, there] = [await lost(), await lost({ provider: ELSEWHERE })];
    expect(await answer(here, 1, 'of both')).toBe('created');
    expect(await answer(there, 1, 'of both')).toBe('created');
    expect(await db.ledger.findOwnedVideos(PROVIDER.identity, ['of both'])).toEqual(
      new Map([['of both', expect.any(Date)]]),
    );
  });

  // MR-38
  it('with another key at the same provider is the same video', async () => {
    const { rows } = await db.admin.query(
      "SELECT FROM pg_attribute WHERE attrelid = 'generations'::regclass AND attname ~ 'credential|base_url'",
    );
    expect(rows).toEqual([]);
  });
});

// MR-24
describe('an accepted cancel', () => {
  it('is checked before every attempt: after one that was not found none begins, and the credits are back', async () => {
    const hold = await held();
    await begin(hold.id);
    await db.ledger.requestCancel(hold.id, 'client');
    // It may have arrived: nothing is given back yet.
    expect(await begin(hold.id)).toEqual({ outcome: 'open' });
    await noProof(hold.id, ['cancelled']);
    await db.ledger.endAttempt(hold.id, 1, { outcome: 'not_found' });
    expect(await begin(hold.id)).toEqual({ outcome: 'cancelled' });
    expect(await settle(hold.id, 'cancelled')).toMatchObject({
      settlement: { charged: false, errorCode: 'cancelled' },
    });
    expect(await balance(hold)).toEqual(REFUNDED);
    // Its orphan may still turn up, and counts until then.
    expect((await db.ledger.getBalance(hold.tenant.accountId)).activeGenerations).toBe(1);
  });

  it('wins over spent attempts, and frees the slot when each is proven to have made nothing', async () => {
    const hold = await held();
    await begin(hold.id);
    await notMade(hold.id);
    await db.ledger.requestCancel(hold.id, 'client');
    expect(await begin(hold.id)).toEqual({ outcome: 'cancelled' });
    await settle(hold.id, 'cancelled');
    expect((await db.ledger.getBalance(hold.tenant.accountId)).activeGenerations).toBe(0);
  });

  it('is the reported reason even when three attempts were not found', async () => {
    const hold = await held();
    for (let number = 1; number <= 3; number += 1) {
      await begin(hold.id);
      await db.ledger.endAttempt(hold.id, number, { outcome: 'not_found' });
    }
    await db.ledger.requestCancel(hold.id, 'client');
    expect(await begin(hold.id)).toEqual({ outcome: 'cancelled' });
  });
});

describe('adopting', () => {
  it('is refused while another open attempt differs only in spaces, marks and case', async () => {
    const tag = randomUUID();
    const mine = await lost({ prompt: `A fox, ${tag}` });
    const other = await lost({ prompt: `a FOX  ${tag}.\n` });
    expect(await adoptOne(db, mine, 1, video())).toBe('rival');
    await db.ledger.endAttempt(other, 1, { outcome: 'not_found' });
    expect(await adoptOne(db, mine, 1, video())).toBe('adopted');
  });

  it('of a video that is equal only after changes is refused while its prompt may be another open attempt’s, cut off', async () => {
    const prompt = randomUUID();
    const mine = await lost({ prompt });
    await lost({ prompt: `${prompt} in the snow` });
    expect(await adopt(mine, [video()], false)).toMatchObject({ outcome: 'rival' });
    expect(await adopt(mine, [video()])).toMatchObject({ outcome: 'adopted' });
  });

  // MR-35
  it('with a reference is refused, because a list doesn’t show it', async () => {
    expect(await adoptOne(db, await lost({ reference: true }), 1, video())).toBe('rival');
  });

  it('of interchangeable attempts gives each one of as many videos', async () => {
    const ask = { prompt: randomUUID(), tenant: await openTenant(db, 2 * PRICE) };
    const twins = [await lost(ask), await lost(ask)];
    const videos = [video(), video()];
    expect(await adopt(twins[0] ?? '', videos.slice(0, 1))).toMatchObject({ outcome: 'unequal' });
    const adopted = await Promise.all(twins.map((twin) => adopt(twin, videos)));
    const again = await Promise.all(
      twins.map(async (twin, index) => (adopted[index]?.outcome === 'adopted' ? adopted[index] : adopt(twin, videos))),
    );
    expect(again.map((one) => one?.providerVideoId).toSorted()).toEqual(videos.map(({ id }) => id).toSorted());
  });

  it('counts what is open at another server neither as a twin nor as a rival', async () => {
    const [prompt, tenant] = [randomUUID(), await openTenant(db, 2 * PRICE)];
    const mine = await lost({ prompt, tenant });
    await lost({ prompt, tenant, provider: ELSEWHERE });
    await lost({ prompt, provider: ELSEWHERE });
    expect(await adopt(mine, [video(), video()])).toMatchObject({ outcome: 'unequal' });
    expect(await adopt(mine, [video()])).toMatchObject({ outcome: 'adopted' });
  });

  it('takes what is open at the same server under another name for a rival', async () => {
    const prompt = randomUUID();
    const mine = await lost({ prompt });
    await lost({ prompt, provider: RENAMED });
    expect(await adopt(mine, [video()])).toMatchObject({ outcome: 'rival' });
  });

  it.each<[string, Ask]>([
    ['another account’s', {}],
    ['one with a reference', { reference: true }],
  ])('never takes %s for a twin', async (_what, ask) => {
    const [prompt, tenant] = [randomUUID(), await openTenant(db, 2 * PRICE)];
    const mine = await lost({ prompt, tenant });
    await lost({ prompt, ...(ask.reference ? { tenant } : {}), ...ask });
    expect(await adopt(mine, [video(), video()])).toMatchObject({ outcome: 'rival' });
  });

  it('never treats attempts as interchangeable that only look the same', async () => {
    const [prompt, tenant] = [randomUUID(), await openTenant(db, 2 * PRICE)];
    const mine = await lost({ prompt, tenant });
    await lost({ prompt: `${prompt}!`, tenant });
    expect(await adopt(mine, [video(), video()])).toMatchObject({ outcome: 'rival' });
  });

  it('waits for the answer that gives another attempt its video, and adopts none that has an owner then', async () => {
    const [mine, other] = [await lost(), await lost()];
    const contested = video();
    const adopted = await runBehind(
      db,
      { sql: "SELECT end_attempt($1, 1, 'created', $2, $2, NULL, NULL, NULL)", values: [other, contested.id] },
      () => adoptOne(db, mine, 1, contested),
    );
    expect(adopted).toBe('taken');
    expect(await db.ledger.getOpenAttempt(mine)).toMatchObject({ number: 1 });
  });
});

describe('a video without an owner', () => {
  it('is older than whatever began after it was first listed, and never gets younger', async () => {
    const before = await lost();
    const { id } = video();
    await db.ledger.noteOwnerlessVideos(PROVIDER.identity, [id]);
    const after = await lost();
    await db.ledger.noteOwnerlessVideos(PROVIDER.identity, [id]);
    const older = async (generationId: string) => {
      const attempt = await db.ledger.getOpenAttempt(generationId);
      return attempt && (await db.ledger.findListedBefore(attempt, [id])).has(id);
    };
    expect([await older(before), await older(after)]).toEqual([false, true]);
  });

  it('is forgotten after two days', async () => {
    const { id } = video();
    await db.ledger.noteOwnerlessVideos(PROVIDER.identity, [id]);
    await db.admin.query(
      "UPDATE ownerless_videos SET listed_at = now() - interval '49 hours' WHERE provider_canonical_id = $1",
      [id],
    );
    await db.ledger.noteOwnerlessVideos(PROVIDER.identity, []);
    const { rows } = await db.pool.query('SELECT FROM ownerless_videos WHERE provider_canonical_id = $1', [id]);
    expect(rows).toEqual([]);
  });
});

it('a remix is submitted only to the provider of its original', async () => {
  const tenant = await openTenant(db, 3 * PRICE);
  const original = await lost({ tenant });
  await answer(original, 1, 'the original');
  await db.ledger.recordLook(original, 'the original', FINISHED);
  await settle(original, 'completed');
  const [here, there] = [await asked({ tenant, remixOf: original }), await asked({ tenant, remixOf: original })];
  expect(await db.ledger.beginAttempt(here, [PROVIDER])).toMatchObject({
    request: { remixedFrom: 'the original', remixedElsewhere: false },
  });
  expect(await db.ledger.beginAttempt(there, [ELSEWHERE])).toMatchObject({ request: { remixedElsewhere: true } });
  const plain = await admit(db, await openTenant(db, PRICE));
  await db.ledger.placeHold(plain, 3600);
  expect(await db.ledger.beginAttempt(plain, [ELSEWHERE])).toMatchObject({ request: { remixedElsewhere: false } });
});
