import { createHash, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { textId, videoId, webhookEndpointId } from '../../contracts/ids.ts';
import { WEBHOOK_EVENTS } from '../../contracts/webhooks.ts';
import type { TestDatabase } from '../harness/support/database.ts';
import { admit, createTestDatabase, openTenant, PRICE } from '../harness/support/database.ts';
import { BLOCKED, FINISHED, ledgerSteps, OPEN } from '../harness/support/ledgerSteps.ts';

/** No derived figure (a duration, a statistic, an order of times) may refuse a settlement (MR-6). */

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

const { held, created, seen, begin, settle, refuse, outlive } = ledgerSteps(() => db);

/** Runs this as the superuser, with the triggers off that keep rows from being changed. */
async function bend(sql: string, values: unknown[]): Promise<void> {
  const client = await db.admin.connect();
  try {
    await client.query('BEGIN; SET LOCAL session_replication_role = replica');
    await client.query(sql, values);
    await client.query('COMMIT');
  } finally {
    client.release();
  }
}

/** As after a step back of the database's clock by three days: what was written so far lies ahead of it. */
async function stepBack(id: string): Promise<void> {
  const ahead = "+ interval '3 days'";
  await bend(
    `UPDATE holds SET placed_at = placed_at ${ahead}, expires_at = expires_at ${ahead} WHERE generation_id = $1`,
    [id],
  );
  await bend(
    `UPDATE generations SET requested_at = requested_at ${ahead}, admit_by = admit_by ${ahead}, last_look_at = last_look_at ${ahead},
       provider_created_at = provider_created_at ${ahead}, cancel_requested_at = cancel_requested_at ${ahead},
       claimable_until = claimable_until ${ahead}, settled_at = settled_at ${ahead} WHERE id = $1`,
    [id],
  );
  await bend(
    `UPDATE provider_attempts SET begun_at = begun_at ${ahead}, ended_at = ended_at ${ahead} WHERE generation_id = $1`,
    [id],
  );
  await bend(`UPDATE generation_events SET recorded_at = recorded_at ${ahead} WHERE generation_id = $1`, [id]);
}

const durationOf = async (id: string) =>
  (await db.pool.query<{ ms: number | null }>('SELECT duration_ms AS ms FROM generations WHERE id = $1', [id])).rows[0]
    ?.ms;
const CHARGED = { result: 'settled', settlement: { charged: true } };
const RELEASED = { result: 'settled', settlement: { charged: false } };

describe('the clock of the database steps back between the hold and its settlement', () => {
  it('a completed video is charged, and its duration is not known', async () => {
    const { id } = await seen(FINISHED);
    await stepBack(id);
    expect(await settle(id, 'completed')).toMatchObject(CHARGED);
    expect(await durationOf(id)).toBeNull();
  });

  it('the look that completes it is recorded, and charged', async () => {
    const { id, video } = await seen(OPEN);
    await stepBack(id);
    await db.ledger.recordLook(id, video, { ...FINISHED, completedAt: new Date() });
    expect(await settle(id, 'completed')).toMatchObject(CHARGED);
  });

  it('a failed video is released', async () => {
    const { id } = await seen(BLOCKED);
    await stepBack(id);
    expect(await settle(id, 'provider_failed')).toMatchObject(RELEASED);
  });

  it('a generation with a refused attempt is released', async () => {
    const { id } = await held();
    await begin(id);
    await stepBack(id);
    await refuse(id);
    expect(await settle(id, 'submission_refused')).toMatchObject(RELEASED);
  });

  it('a hold whose time is not over by that clock is waited for, and expires by it', async () => {
    const { id } = await created();
    await stepBack(id);
    expect(await settle(id, 'expired')).toMatchObject({ result: 'not_due' });
    await outlive(id);
    expect(await settle(id, 'expired')).toMatchObject(RELEASED);
  });

  it('a claim is charged', async () => {
    const original = await created();
    await outlive(original.id);
    await settle(original.id, 'expired');
    await db.ledger.recordLook(original.id, original.video, FINISHED);
    await stepBack(original.id);
    const id = videoId(randomUUID());
    const asked = { ...original.tenant, generationId: id, claimOf: original.id, admitWithinMs: 60_000 };
    const request = { fingerprint: Buffer.alloc(32), idempotencyKey: null };
    expect(await db.ledger.claimGeneration({ ...asked, ...request })).toMatchObject({ outcome: 'admitted' });
    expect(await db.ledger.placeHold(id, 3600)).toMatchObject({ outcome: 'held' });
    await stepBack(id);
    const content = { state: 'archived', bytes: 1, contentType: 'video/mp4', location: id } as const;
    await db.ledger.recordContent(id, 'video', { ...content, sha256: Buffer.alloc(32) });
    expect(await settle(id, 'completed')).toMatchObject(CHARGED);
  });

  it('a text is charged what the provider billed', async () => {
    const { id } = await writing();
    await stepBack(id);
    await db.ledger.endText(id, 1, {
      output: 'abc',
      finishReason: 'stop',
      usage: { inputTokens: 10, outputTokens: 3 },
    });
    expect(await settle(id, 'completed')).toMatchObject(CHARGED);
  });
});

async function writing(): Promise<{ id: string }> {
  const tenant = await openTenant(db, PRICE);
  const id = textId('script', randomUUID());
  await db.ledger.admitText({
    ...tenant,
    generationId: id,
    model: 'gpt-4.1-mini',
    request: {},
    inputBoundTokens: 700,
    maxOutputTokens: 1000,
    admitWithinMs: 60_000,
    fingerprint: createHash('sha256').update(id).digest(),
    idempotencyKey: null,
  });
  await db.ledger.placeHold(id, 3600);
  await begin(id);
  return { id };
}

describe('what a provider tells of times and counts', () => {
  it.each([
    ['infinity', '2026-01-01'],
    ['2026-01-01', 'infinity'],
    ['-infinity', 'infinity'],
    ['infinity', 'infinity'],
    ['4713-01-01 BC', '294276-12-31'],
    ['2026-01-02', '2026-01-01'],
  ])('made at %s and complete at %s: charged', async (madeAt, completedAt) => {
    const { id, video } = await created();
    await bend('UPDATE generations SET provider_created_at = $2 WHERE id = $1', [id, madeAt]);
    await db.pool.query("SELECT * FROM record_look($1, $2, 'completed', 'completed', 100, $3, NULL, NULL)", [
      id,
      video,
      completedAt,
    ]);
    await bend('UPDATE generations SET provider_completed_at = $2 WHERE id = $1', [id, completedAt]);
    expect(await settle(id, 'completed')).toMatchObject(CHARGED);
    expect(await durationOf(id)).toBeGreaterThanOrEqual(0);
  });

  it('a time that can’t be one is not kept, and the video can be shown', async () => {
    const { id, tenant } = await held();
    await begin(id);
    await db.pool.query("SELECT end_attempt($1, 1, 'created', $2, $2, 'infinity', NULL, NULL)", [id, `video ${id}`]);
    await db.pool.query("SELECT * FROM record_look($1, $2, 'completed', 'completed', 1, 'infinity', NULL, NULL)", [
      id,
      `video ${id}`,
    ]);
    expect(await db.ledger.getGeneration(tenant.accountId, id)).toMatchObject({ providerCompletedAt: null });
    expect(await settle(id, 'completed')).toMatchObject(CHARGED);
  });

  it.each([-1, 101, 2_147_483_647])('a progress of %i: the verdict is recorded, and charged', async (progress) => {
    const { id, video } = await created();
    await db.ledger.recordLook(id, video, { ...OPEN, progress });
    await db.ledger.recordLook(id, video, { ...FINISHED, progress });
    expect(await settle(id, 'completed')).toMatchObject(CHARGED);
  });

  it.each([
    { inputTokens: -5, outputTokens: 10 },
    { inputTokens: 5, outputTokens: -10 },
  ])('a text billed as $inputTokens and $outputTokens tokens is charged as one without a count', async (usage) => {
    const { id } = await writing();
    expect(await db.ledger.endText(id, 1, { output: 'abc', finishReason: 'stop', usage })).toBe(true);
    expect(await settle(id, 'completed')).toMatchObject(CHARGED);
  });
});

describe('what is counted or told beside the credits', () => {
  it('an account’s count of generations that is too low keeps none from being settled', async () => {
    const [charged, failed] = [await seen(FINISHED), await seen(BLOCKED)];
    for (const { id, tenant } of [charged, failed]) {
      await bend('UPDATE accounts SET active_generations = 0 WHERE id = $1', [tenant.accountId]);
      expect(await settle(id, id === charged.id ? 'completed' : 'provider_failed')).toMatchObject({
        result: 'settled',
      });
    }
  });

  it('… nor a late end from being recorded, nor a released video from being followed no longer', async () => {
    const [ended, followed] = [await created(), await created()];
    for (const { id, tenant } of [ended, followed]) {
      await outlive(id);
      await settle(id, 'expired');
      await bend('UPDATE accounts SET active_generations = 0 WHERE id = $1', [tenant.accountId]);
    }
    expect(await db.ledger.recordLook(ended.id, ended.video, FINISHED)).toMatchObject({ verdict: 'completed' });
    await bend("UPDATE generations SET settled_at = now() - interval '2 days' WHERE id = $1", [followed.id]);
    expect(await db.ledger.stopFollowing(followed.id)).toBe(true);
  });

  it('what a key has spent that can’t be written down keeps no hold from being settled', async () => {
    const tenant = await openTenant(db, PRICE, { dailyLimitMicrocredits: PRICE });
    const id = await admit(db, tenant);
    await db.ledger.placeHold(id, 3600);
    await db.admin.query('ALTER TABLE api_key_spending ADD CONSTRAINT broken CHECK (day_microcredits > 0) NOT VALID');
    try {
      expect(await settle(id, 'provider_unavailable')).toMatchObject(RELEASED);
    } finally {
      await db.admin.query('ALTER TABLE api_key_spending DROP CONSTRAINT broken');
    }
  });

  it.each(['webhook_deliveries', 'webhook_endpoints'])(
    'a message to a tenant that can’t be noted, %s being gone, keeps no hold from being settled',
    async (table) => {
      const { id, tenant } = await seen(FINISHED);
      const endpoint = { owner: tenant.accountId, id: webhookEndpointId(randomUUID()), url: 'https://a.test/hook' };
      const secret = `whsec_${Buffer.from(randomUUID()).toString('base64')}`;
      await db.ledger.createWebhookEndpoint({ ...endpoint, events: WEBHOOK_EVENTS, secret });
      await db.admin.query(`ALTER TABLE ${table} RENAME TO taken_away`);
      try {
        expect(await settle(id, 'completed')).toMatchObject(CHARGED);
      } finally {
        await db.admin.query(`ALTER TABLE taken_away RENAME TO ${table}`);
      }
    },
  );
});
