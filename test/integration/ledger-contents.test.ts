import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Content } from '../../store/index.ts';
import { LedgerError } from '../../store/index.ts';
import type { TestDatabase, Tenant } from '../harness/support/database.ts';
import { admit, createTestDatabase, openTenant, PRICE } from '../harness/support/database.ts';

let db: TestDatabase;
let tenant: Tenant;
beforeAll(async () => {
  db = await createTestDatabase();
  tenant = await openTenant(db, 100 * PRICE);
});
afterAll(async () => {
  expect((await db.pool.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
  await db.drop();
});

const PROVIDER = { name: 'openai@http://provider' };
const GONE: Content = { state: 'gone' };
const ALL = { from: 0, to: 11_138, total: 11_138 };

function archived(bytes = 11_138): Content {
  return { state: 'archived', bytes, sha256: randomBytes(32), contentType: 'video/mp4', location: 'video_00/video' };
}

/** A held generation with a video, of which this was seen. */
async function held(verdict: 'open' | 'completed' | 'failed' = 'completed'): Promise<string> {
  const id = await admit(db, tenant);
  await db.ledger.placeHold(id, 3600);
  await db.ledger.beginAttempt(id, PROVIDER);
  const video = randomUUID();
  await db.ledger.endAttempt(id, 1, { outcome: 'created', providerVideoId: video, providerCreatedAt: null });
  const error =
    verdict === 'failed' ? { errorCode: 'no', errorMessage: 'No.' } : { errorCode: null, errorMessage: null };
  await db.ledger.recordLook(id, video, { verdict, status: verdict, progress: null, completedAt: null, ...error });
  return id;
}

async function charged(): Promise<string> {
  const id = await held();
  await db.ledger.settleGeneration(id, 'completed');
  return id;
}

/** As if it had been seen completed so long ago. */
async function age(id: string, interval: string): Promise<void> {
  const earlier = 'UPDATE generations SET last_look_at = last_look_at - $2::interval WHERE id = $1';
  await db.admin.query(earlier, [id, interval]);
}

async function eventsOf(id: string): Promise<[string, unknown][]> {
  const { rows } = await db.pool.query<{ kind: string; data: unknown }>(
    `SELECT kind, data FROM generation_events WHERE generation_id = $1 AND kind IN ('archived', 'content_gone')`,
    [id],
  );
  return rows.map(({ kind, data }) => [kind, data]);
}

async function waiting(): Promise<number> {
  const { rowCount } = await db.admin.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rowCount ?? 0;
}

const record = (id: string, content: Content, variant: 'video' | 'thumbnail' = 'video') =>
  db.ledger.recordContent(id, variant, content);
const get = (id: string, accountId = tenant.accountId) => db.ledger.getContent(accountId, id, 'video');
const refusal = async (id: string, content: Content) =>
  record(id, content).then(
    () => 'recorded',
    (error: unknown) => (error instanceof LedgerError ? error.code : error),
  );

describe('recording a content', () => {
  it('twice keeps the first record, and answers with it (MR-59)', async () => {
    const id = await charged();
    const first = archived();
    expect(await record(id, first)).toEqual(first);
    expect(await record(id, archived(5))).toEqual(first);
    await age(id, '2 hours');
    expect(await record(id, GONE)).toEqual(first);
    expect(await get(id)).toEqual(first);
    expect(await eventsOf(id)).toEqual([['archived', { bytes: 11_138 }]]);
  });

  it('from eight connections at once keeps one record and one event', async () => {
    const id = await charged();
    const blocker = await db.admin.connect();
    await blocker.query(`BEGIN; SELECT FROM generations WHERE id = '${id}' FOR NO KEY UPDATE`);
    const recording = Promise.all(Array.from({ length: 8 }, (_, n) => record(id, archived(n + 1))));
    await vi.waitFor(async () => expect(await waiting()).toBe(8), { timeout: 10_000, interval: 20 });
    await blocker.query('COMMIT');
    blocker.release();
    const answers = await recording;
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await eventsOf(id)).toHaveLength(1);
  });

  it('tells of the video only', async () => {
    const id = await charged();
    await record(id, archived(), 'thumbnail');
    expect(await eventsOf(id)).toEqual([]);
    expect(await get(id)).toBeUndefined();
  });

  it('needs a generation that holds or was charged, and that the provider said completed', async () => {
    const released = await held('failed');
    await db.ledger.settleGeneration(released, 'provider_failed');
    expect(await refusal(released, archived())).toBe('wrong_state');
    expect(await refusal(await admit(db, tenant), archived())).toBe('wrong_state');
    expect(await refusal(await held('open'), archived())).toBe('no_proof');
    expect(await refusal(await held('failed'), archived())).toBe('no_proof');
    expect(await refusal(await held(), archived())).toBe('recorded');
    expect(await refusal('video_00000000000000000000000000000000', archived())).toBe('unknown_generation');
  });

  it('as gone needs an hour since it was seen completed (MR-59)', async () => {
    const id = await charged();
    expect(await refusal(id, GONE)).toBe('no_proof');
    await age(id, '59 minutes');
    expect(await refusal(id, GONE)).toBe('no_proof');
    await age(id, '1 minute');
    expect(await record(id, GONE)).toEqual(GONE);
    expect(await record(id, archived())).toEqual(GONE);
    expect(await get(id)).toEqual(GONE);
    expect(await eventsOf(id)).toEqual([['content_gone', {}]]);
  });

  it('of a deleted video is always gone', async () => {
    const id = await charged();
    await db.ledger.deleteGeneration(tenant.accountId, id);
    expect(await record(id, archived())).toEqual(GONE);
    expect(await eventsOf(id)).toEqual([['content_gone', {}]]);
  });

  it.each<[string, Partial<Extract<Content, { state: 'archived' }>>]>([
    ['without bytes', { bytes: 0 }],
    ['with half a checksum', { sha256: randomBytes(16) }],
    ['without a type', { contentType: '' }],
    ['without a place', { location: '' }],
  ])('%s is refused', async (_what, changes) => {
    expect(await refusal(await charged(), { ...archived(), ...changes } as Content)).toBe('constraint');
  });

  it.each([
    `state = 'archived', bytes = NULL`,
    `state = 'gone'`,
    `state = 'lost', bytes = NULL, sha256 = NULL, content_type = NULL, location = NULL`,
  ])('the table itself refuses half a description: %s', async (changes) => {
    const id = await charged();
    await record(id, archived());
    const client = await db.admin.connect();
    try {
      await client.query('BEGIN; SET LOCAL session_replication_role = replica');
      await expect(client.query(`UPDATE contents SET ${changes} WHERE generation_id = $1`, [id])).rejects.toMatchObject(
        {
          code: '23514',
        },
      );
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  });
});

describe('a record', () => {
  it.each(['UPDATE contents SET bytes = 1', 'DELETE FROM contents', 'TRUNCATE contents'])(
    'never changes, not for its owner either: %s',
    async (sql) => {
      await record(await charged(), archived());
      await expect(db.admin.query(sql)).rejects.toMatchObject({ code: 'HF004' });
    },
  );

  it('is shown to the owner of a charged, undeleted generation only (MR-52)', async () => {
    const id = await held();
    await record(id, archived());
    expect(await get(id)).toBeUndefined();
    await db.ledger.settleGeneration(id, 'completed');
    expect(await get(id)).toMatchObject({ state: 'archived' });
    expect(await get(id, (await openTenant(db, 0)).accountId)).toBeUndefined();
    await db.ledger.deleteGeneration(tenant.accountId, id);
    expect(await get(id)).toBeUndefined();
  });
});

describe('a charged video whose content is on record as gone (MR-22)', () => {
  const gone = async (id: string) => {
    await age(id, '1 hour');
    return db.ledger.recordContentGone(id);
  };
  const refundsOf = async (id: string) =>
    (
      await db.pool.query('SELECT key, amount_microcredits AS amount, actor FROM refunds WHERE generation_id = $1', [
        id,
      ])
    ).rows;
  const OURS = { key: 'content gone', amount: PRICE, actor: 'holdfast' };

  it('is refunded in full, once, by ourselves, in the transaction of the record', async () => {
    const id = await charged();
    const before = await db.ledger.getBalance(tenant.accountId);
    expect(await gone(id)).toEqual({ content: GONE, refund: 'refunded' });
    expect(await refundsOf(id)).toEqual([OURS]);
    expect(await gone(id)).toEqual({ content: GONE, refund: null });
    expect(await refundsOf(id)).toHaveLength(1);
    const after = await db.ledger.getBalance(tenant.accountId);
    expect(after.availableMicrocredits - before.availableMicrocredits).toBe(PRICE);
    expect(await db.ledger.getRefunded(id)).toBe(PRICE);
    const { rows } = await db.pool.query(
      `SELECT state, charged_amount_microcredits AS charged FROM generations WHERE id = $1`,
      [id],
    );
    expect(rows).toEqual([{ state: 'charged', charged: PRICE }]);
  });

  it('is refunded once by eight workers at the same moment', async () => {
    const id = await charged();
    await age(id, '1 hour');
    const answers = await Promise.all(Array.from({ length: 8 }, () => db.ledger.recordContentGone(id)));
    expect(answers.filter(({ refund }) => refund === 'refunded')).toHaveLength(1);
    expect(await refundsOf(id)).toEqual([OURS]);
  });

  it.each(['one', 'content_gone'])('is refunded what an operator has not given back by a key, %s', async (key) => {
    const id = await charged();
    const part = { generationId: id, amountMicrocredits: 71_429, reason: 'kindness', idempotencyKey: key };
    await db.ledger.refundGeneration(part);
    expect(await gone(id)).toMatchObject({ refund: 'refunded' });
    expect(await refundsOf(id)).toEqual([
      { key, amount: 71_429, actor: 'operator' },
      { ...OURS, amount: PRICE - 71_429 },
    ]);
  });

  it('is not refunded a second time after an operator gave all of it back', async () => {
    const id = await charged();
    await db.ledger.refundGeneration({
      generationId: id,
      amountMicrocredits: null,
      reason: 'r',
      idempotencyKey: 'one',
    });
    expect(await gone(id)).toEqual({ content: GONE, refund: null });
    expect(await refundsOf(id)).toHaveLength(1);
  });

  it.each<[string, (id: string) => Promise<unknown>]>([
    ['that was archived', (id) => record(id, archived())],
    ['whose owner has begun to delete it', (id) => db.ledger.beginOwnersDeletion(tenant.accountId, id)],
    ['that its owner has deleted', (id) => db.ledger.deleteGeneration(tenant.accountId, id)],
    ['that was sent to its owner to the last byte', (id) => db.ledger.recordContentServed(id, ALL)],
  ])('%s is not refunded', async (_what, had) => {
    const id = await charged();
    await had(id);
    expect(await gone(id)).toMatchObject({ refund: null });
    expect(await refundsOf(id)).toEqual([]);
  });

  it('is refunded whatever another account asks for', async () => {
    const id = await charged();
    await db.ledger.beginOwnersDeletion((await openTenant(db, 0)).accountId, id);
    expect(await gone(id)).toMatchObject({ refund: 'refunded' });
  });

  it('is not refunded for the sake of a preview', async () => {
    const id = await charged();
    await age(id, '1 hour');
    expect(await record(id, GONE, 'thumbnail')).toEqual(GONE);
    expect(await refundsOf(id)).toEqual([]);
  });

  it('is not refunded while it is held: nothing was charged', async () => {
    const id = await held();
    expect(await gone(id)).toEqual({ content: GONE, refund: null });
    expect(await refundsOf(id)).toEqual([]);
  });

  it('is on record also where the balance has no room for the refund, which is an event of its own', async () => {
    const rich = await openTenant(db, PRICE);
    const id = await admit(db, rich);
    await db.ledger.placeHold(id, 3600);
    await db.ledger.beginAttempt(id, PROVIDER);
    const video = randomUUID();
    await db.ledger.endAttempt(id, 1, { outcome: 'created', providerVideoId: video, providerCreatedAt: null });
    const seen = { verdict: 'completed', status: 'completed', progress: null, completedAt: null } as const;
    await db.ledger.recordLook(id, video, { ...seen, errorCode: null, errorMessage: null });
    await db.ledger.settleGeneration(id, 'completed');
    const all = { accountId: rich.accountId, amountMicrocredits: Number.MAX_SAFE_INTEGER, reason: 'all there is' };
    await db.ledger.grantCredits({ ...all, idempotencyKey: 'all' });
    expect(await gone(id)).toEqual({ content: GONE, refund: 'too_large' });
    expect(await db.ledger.getContent(rich.accountId, id, 'video')).toEqual(GONE);
    const { rows } = await db.pool.query(
      `SELECT data FROM generation_events WHERE generation_id = $1 AND kind = 'content_refund_refused'`,
      [id],
    );
    expect(rows).toEqual([{ data: { outcome: 'too_large' } }]);
  });
});

describe('what its owner was sent of a video', () => {
  const servedOf = async (id: string) =>
    (await db.pool.query(`SELECT FROM generation_events WHERE generation_id = $1 AND kind = 'content_served'`, [id]))
      .rowCount;

  it('is the whole once its parts are, in any order', async () => {
    const id = await charged();
    const parts = [
      [5, 9],
      [0, 5],
      [10, 11],
      [10, 11],
    ] as const;
    for (const [from, to] of parts) await db.ledger.recordContentServed(id, { from, to, total: 11 });
    expect(await servedOf(id)).toBe(0);
    await db.ledger.recordContentServed(id, { from: 9, to: 10, total: 11 });
    expect(await servedOf(id)).toBe(1);
  });

  it('is not the whole while nobody knows how long that is', async () => {
    const id = await charged();
    await db.ledger.recordContentServed(id, { from: 0, to: 11, total: null });
    expect(await servedOf(id)).toBe(0);
  });

  it('is kept in a thousand pieces at most: who asks for more has had it', async () => {
    const id = await charged();
    await db.admin.query(
      `INSERT INTO served_parts SELECT $1, range_agg(int8range(2 * n, 2 * n + 1)) FROM generate_series(1, 999) n`,
      [id],
    );
    await db.ledger.recordContentServed(id, { from: 0, to: 1, total: 1_000_000 });
    expect(await servedOf(id)).toBe(0);
    await db.ledger.recordContentServed(id, { from: 5000, to: 5001, total: 1_000_000 });
    expect(await servedOf(id)).toBe(1);
  });
});

describe('what is told once', () => {
  it('is that the provider sent something else, and that the whole was sent to its owner', async () => {
    const id = await charged();
    expect(await db.ledger.recordUnusableContent(id, 'the video is not complete')).toBe(true);
    expect(await db.ledger.recordUnusableContent(id, 'the content is empty')).toBe(false);
    await db.ledger.recordContentServed(id, ALL);
    await db.ledger.recordContentServed(id, ALL);
    const { rows } = await db.pool.query<{ kind: string }>(
      `SELECT kind FROM generation_events WHERE generation_id = $1 AND starts_with(kind, 'content_') ORDER BY sequence`,
      [id],
    );
    expect(rows.map(({ kind }) => kind)).toEqual(['content_unusable', 'content_served']);
  });

  it('is not that a video was served which is not charged', async () => {
    const id = await held();
    await db.ledger.recordContentServed(id, ALL);
    const { rowCount } = await db.pool.query(
      `SELECT FROM generation_events WHERE generation_id = $1 AND kind = 'content_served'`,
      [id],
    );
    expect(rowCount).toBe(0);
  });
});

it('a refund is by an operator or by ourselves, and by nobody else', async () => {
  const refund = db.admin.query(`SELECT refund_generation($1, NULL, 'r', 'k', 'somebody')`, [await charged()]);
  await expect(refund).rejects.toMatchObject({ code: '23514' });
});

describe('what archiving has to know', () => {
  it('is where the video is, since when it is complete by our clock, and what is done already', async () => {
    const open = await held('open');
    expect(await db.ledger.getArchiving(open)).toMatchObject({ state: 'held', completedForMs: null, video: null });
    const id = await charged();
    await age(id, '10 minutes');
    await record(id, archived(), 'thumbnail');
    const archiving = await db.ledger.getArchiving(id);
    expect(archiving).toMatchObject({ provider: PROVIDER.name, state: 'charged', deleted: false, video: null });
    expect(archiving.recorded).toEqual(['thumbnail']);
    expect(archiving.completedForMs).toBeGreaterThanOrEqual(600_000);
    expect(archiving.completedForMs).toBeLessThan(660_000);
    await record(id, archived());
    expect(await db.ledger.getArchiving(id)).toMatchObject({ video: 'archived' });
  });
});
