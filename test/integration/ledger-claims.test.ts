import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { videoId } from '../../contracts/ids.ts';
import type { TestDatabase } from '../harness/support/database.ts';
import { PRICE, admit, createTestDatabase } from '../harness/support/database.ts';
import type { Held } from '../harness/support/ledgerSteps.ts';
import { runBehind } from '../harness/support/runBehind.ts';
import { BLOCKED, FINISHED, OPEN, PROVIDER, ledgerSteps } from '../harness/support/ledgerSteps.ts';

/** What comes after a release: late completions and their claims, deletion at the provider, the net below the net. */

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

const { held, created, seen, settle, outlive, balance, noProof } = ledgerSteps(() => db);
const HOUR = 3_600_000;
const set = (id: string, assignments: string) =>
  db.admin.query(`UPDATE generations SET ${assignments} WHERE id = $1`, [id]);

/** Released at its hold's end while the video went on. */
const expired = async () => {
  const hold = await created();
  await outlive(hold.id);
  await settle(hold.id, 'expired');
  return hold;
};
/** Completed after its refund. */
const late = async () => {
  const hold = await expired();
  await db.ledger.recordLook(hold.id, hold.video, FINISHED);
  return hold;
};
const claim = (
  { id, tenant }: Held,
  by: Partial<Held['tenant']> = {},
  admitWithinMs = 60_000,
  more: { idempotencyKey?: string; dryRun?: boolean } = {},
) =>
  db.ledger.claimGeneration({
    ...tenant,
    ...by,
    generationId: videoId(randomUUID()),
    claimOf: id,
    admitWithinMs,
    fingerprint: Buffer.from(id.slice(-32)),
    idempotencyKey: null,
    ...more,
  });
const claimed = async (hold: Held) => {
  const answer = await claim(hold);
  if (answer.outcome !== 'admitted') throw new Error(answer.outcome);
  return answer.generationId;
};
const archive = (id: string) =>
  db.ledger.recordContent(id, 'video', {
    state: 'archived',
    bytes: 1,
    sha256: Buffer.alloc(32),
    contentType: 'video/mp4',
    location: id,
  });
const active = async ({ tenant }: Held) => (await db.ledger.getBalance(tenant.accountId)).activeGenerations;

describe('a late completion', () => {
  // MR-53
  it('is claimed once, by its own account, at its old price, and charged when its video is in our storage', async () => {
    const [hold, other] = [await late(), await held()];
    expect(await claim(hold, other.tenant)).toMatchObject({ outcome: 'unknown' });
    const first = await claim(hold);
    expect(first).toMatchObject({ outcome: 'admitted', amountMicrocredits: PRICE });
    expect(await claim(hold)).toEqual({ ...first, outcome: 'pending' });
    const id = first.outcome === 'admitted' ? first.generationId : '';
    await db.ledger.placeHold(id, 3600);
    expect(await balance(hold)).toEqual({ available: 0, held: PRICE });
    await expect(settle(id, 'completed')).rejects.toMatchObject({ code: 'no_proof' });
    await archive(id);
    expect(await settle(id, 'completed')).toMatchObject({ result: 'settled', settlement: { charged: true } });
    expect(await claim(hold)).toMatchObject({ outcome: 'replay', generationId: id, status: 200 });
    expect(await balance(hold)).toEqual({ available: 0, held: 0 });
  });

  it('that was claimed with a key is answered with that claim when it was released and its day is over', async () => {
    const hold = await late();
    const keyed = () => claim(hold, {}, 60_000, { idempotencyKey: 'k' });
    const first = await keyed();
    const id = first.outcome === 'admitted' ? first.generationId : '';
    expect(await keyed()).toEqual({ outcome: 'in_use' });
    await db.ledger.placeHold(id, 3600);
    await outlive(id);
    await settle(id, 'expired');
    await set(hold.id, "claimable_until = now() - interval '1 second'");
    expect(await keyed()).toMatchObject({ outcome: 'replay', generationId: id, status: 200 });
    expect(await claim(hold)).toMatchObject({ outcome: 'not_claimable' });
  });

  it('that could not be paid stays refused for its key', async () => {
    const hold = await late();
    const { accountId } = hold.tenant;
    const grant = { accountId, amountMicrocredits: -PRICE, reason: 'gone' };
    await db.ledger.grantCredits({ ...grant, idempotencyKey: 'gone' });
    const keyed = () => claim(hold, {}, 60_000, { idempotencyKey: 'k' });
    expect(await keyed()).toMatchObject({ outcome: 'insufficient_credits' });
    await db.ledger.grantCredits({ ...grant, amountMicrocredits: PRICE, idempotencyKey: 'back' });
    expect(await keyed()).toMatchObject({ outcome: 'replay', status: 402, amountMicrocredits: PRICE });
    expect(await claim(hold)).toMatchObject({ outcome: 'admitted' });
  });

  it('is not claimed by a dry run, which says what a claim would be answered', async () => {
    const hold = await late();
    const dry = () => claim(hold, {}, 60_000, { dryRun: true });
    expect(await dry()).toMatchObject({ outcome: 'admitted', amountMicrocredits: PRICE });
    expect(await db.ledger.listEvents(hold.tenant.accountId, hold.id)).not.toContainEqual(
      expect.objectContaining({ kind: 'claimed' }),
    );
    await claimed(hold);
    expect(await dry()).toMatchObject({ outcome: 'pending' });
  });

  it('is not charged when its content is gone', async () => {
    const hold = await late();
    const id = await claimed(hold);
    await db.ledger.placeHold(id, 3600);
    await set(hold.id, "last_look_at = now() - interval '2 hours'");
    await db.ledger.recordContent(id, 'video', { state: 'gone' });
    await expect(settle(id, 'completed')).rejects.toMatchObject({ code: 'no_proof' });
    expect(await balance(hold)).toEqual({ available: 0, held: PRICE });
  });

  it('counts only after a refund: nothing else can be claimed', async () => {
    const [charged, failed] = [await seen(FINISHED), await seen(BLOCKED)];
    await settle(charged.id, 'completed');
    await settle(failed.id, 'provider_failed');
    for (const hold of [await held(), await seen(FINISHED), charged, failed, await expired()]) {
      expect(await claim(hold)).toMatchObject({ outcome: 'not_claimable' });
    }
  });

  it('can not be claimed after its time, after its owner deleted it, nor once its deletion has begun', async () => {
    const [over, deleted, deleting] = [await late(), await late(), await late()];
    await set(over.id, "claimable_until = now() - interval '1 second'");
    await db.ledger.deleteGeneration(deleted.tenant.accountId, deleted.id);
    await set(deleting.id, 'deletion_begun_at = now()');
    for (const hold of [over, deleted, deleting]) expect(await claim(hold)).toMatchObject({ outcome: 'not_claimable' });
  });

  it('is not claimed on credit, nor by a frozen account', async () => {
    const hold = await late();
    const { accountId } = hold.tenant;
    const freeze = (frozen: boolean) =>
      db.ledger.setAccountFrozen({ accountId, frozen, reason: 'r', idempotencyKey: `${frozen}` });
    await freeze(true);
    expect(await claim(hold)).toMatchObject({ outcome: 'account_frozen' });
    await freeze(false);
    await db.ledger.grantCredits({ accountId, amountMicrocredits: -1, reason: 'r', idempotencyKey: 'k' });
    expect(await claim(hold)).toMatchObject({ outcome: 'insufficient_credits' });
  });

  it('whose claim was never held in time, or was released, can be claimed anew', async () => {
    const hold = await late();
    const dead = await claim(hold, {}, -1);
    expect(dead.outcome).toBe('admitted');
    const next = await claimed(hold);
    await db.ledger.placeHold(next, 3600);
    await outlive(next);
    await settle(next, 'expired');
    expect(await claim(hold)).toMatchObject({ outcome: 'admitted' });
  });
});

it('a claim is released only at its hold’s end, and charged even after that if its video is in our storage', async () => {
  const hold = await late();
  const id = await claimed(hold);
  await db.ledger.placeHold(id, 3600);
  await db.ledger.requestCancel(id, 'client');
  await noProof(id, ['cancelled', 'provider_unavailable', 'create_failed', 'submission_refused', 'provider_failed']);
  await archive(id);
  await outlive(id);
  expect(await settle(id, 'expired')).toEqual({ result: 'terminal', look: { verdict: 'completed' } });
  expect(await settle(id, 'completed')).toMatchObject({ result: 'settled', settlement: { charged: true } });
});

it('a claim refers to what its original refers to', async () => {
  const original = await late();
  const sql =
    'INSERT INTO generation_labels (generation_id, account_id, place, name, value) VALUES ($1, $2, $3, $4, $5)';
  for (const label of [
    [0, '', 'ann'],
    [1, 'project', 'winter'],
  ]) {
    await db.admin.query(sql, [original.id, original.tenant.accountId, ...label]);
  }
  const id = await claimed(original);
  await db.ledger.placeHold(id, 3600);
  const labels = { user: 'ann', metadata: { project: 'winter' } };
  expect(await db.ledger.getGeneration(original.tenant.accountId, id)).toMatchObject(labels);
  const page = { limit: 5, order: 'desc', after: null } as const;
  const { items } = await db.ledger.listGenerations(original.tenant.accountId, page, labels);
  expect(new Set(items.map((each) => each.id))).toEqual(new Set([id, original.id]));
});

it('a claim submits nothing', async () => {
  const id = await claimed(await late());
  await db.ledger.placeHold(id, 3600);
  await expect(db.ledger.beginAttempt(id, [PROVIDER])).rejects.toMatchObject({ code: 'wrong_state' });
});

it('a second claim waits for the first and returns it', async () => {
  const hold = await late();
  const first = videoId(randomUUID());
  const { accountId, apiKeyId } = hold.tenant;
  const second = await runBehind(
    db,
    {
      // Of another body, which no retry could be of: only the original's row is in common.
      sql: 'SELECT claim_generation($1, $2, $3, $4, 60000, $5, NULL, NULL, false)',
      values: [first, hold.id, accountId, apiKeyId, Buffer.alloc(32)],
    },
    () => claim(hold),
  );
  expect(second).toMatchObject({ outcome: 'pending', generationId: first });
});

describe('a late video is deleted at the provider', () => {
  const over = (id: string) => set(id, "claimable_until = now() - interval '1 second'");

  it('when its time is over without a claim, and is on record as deleted only then', async () => {
    const hold = await late();
    expect(await db.ledger.beginDeletion(hold.id)).toBeUndefined();
    expect(await db.ledger.endDeletion(hold.id)).toBe(0);
    await over(hold.id);
    expect(await db.ledger.beginDeletion(hold.id)).toMatchObject({ videoId: hold.video });
    // What it had cost us: 4 s at 0.1 credits.
    expect(await db.ledger.endDeletion(hold.id)).toBe(400_000);
    expect(await db.ledger.endDeletion(hold.id)).toBe(0);
    await expect(set(hold.id, 'deletion_begun_at = NULL')).rejects.toMatchObject({ code: 'HF004' });
  });

  it('never while a claim pays for it', async () => {
    const hold = await late();
    const id = await claimed(hold);
    await over(hold.id);
    for (const step of [() => db.ledger.placeHold(id, 3600), () => archive(id), () => settle(id, 'completed')]) {
      expect(await db.ledger.beginDeletion(hold.id)).toBeUndefined();
      await step();
    }
    expect(await db.ledger.beginDeletion(hold.id)).toBeUndefined();
  });
});

describe('the tables refuse', () => {
  it('a second claim of one video, and a claim with a video of its own', async () => {
    const hold = await late();
    const [id, elsewhere] = [await claimed(hold), await admit(db, hold.tenant)];
    const copy = (changes: Record<string, unknown>) =>
      db.admin.query(
        'INSERT INTO generations SELECT (jsonb_populate_record(g, $1)).* FROM generations g WHERE id = $2',
        [JSON.stringify({ id: videoId(randomUUID()), ...changes }), elsewhere],
      );
    await expect(copy({ claim_of: hold.id })).rejects.toMatchObject({ constraint: 'generations_claimed_once' });
    const made = { provider_video_id: 'a', provider_canonical_id: randomUUID(), provider_verdict: 'open' };
    const another = await late();
    await expect(copy({ claim_of: another.id, ...made })).rejects.toMatchObject({
      constraint: 'generations_claims_make_nothing',
    });
    await expect(set(id, `claim_of = '${another.id}'`)).rejects.toMatchObject({ code: 'HF004' });
  });

  it('to mark as claimable a video that was charged or is still being made', async () => {
    const charged = await seen(FINISHED);
    await settle(charged.id, 'completed');
    for (const { id } of [charged, await seen(OPEN), await expired()]) {
      await expect(set(id, 'claimable_until = now()')).rejects.toMatchObject({
        constraint: 'generations_claimable_when_late',
      });
    }
  });
});

describe('a released video is followed', () => {
  const dayAgo = async (id: string) => {
    const client = await db.admin.connect();
    await client.query('BEGIN; SET LOCAL session_replication_role = replica');
    await client.query("UPDATE generations SET settled_at = now() - interval '25 hours' WHERE id = $1", [id]);
    await client.query('COMMIT');
    client.release();
  };

  it('for a day, and counts until then; it stops counting once', async () => {
    const hold = await expired();
    expect(await db.ledger.stopFollowing(hold.id)).toBe(false);
    expect(await active(hold)).toBe(1);
    await dayAgo(hold.id);
    expect(await db.ledger.stopFollowing(hold.id)).toBe(true);
    expect(await db.ledger.stopFollowing(hold.id)).toBe(false);
    expect(await active(hold)).toBe(0);
  });

  it('and what holds credits always counts', async () => {
    const hold = await created();
    expect(await db.ledger.stopFollowing(hold.id)).toBe(false);
    expect(await active(hold)).toBe(1);
  });
});

describe('release_expired_holds', () => {
  const release = async (grace: string) =>
    (
      await db.admin.query<{ id: string; result: string; reason: string }>(
        'SELECT generation_id AS id, result, settlement_reason AS reason FROM release_expired_holds($1::interval)',
        [grace],
      )
    ).rows;
  const overdue = async (id: string, ms: number) => {
    const client = await db.admin.connect();
    await client.query('BEGIN; SET LOCAL session_replication_role = replica');
    await client.query(
      `UPDATE holds SET placed_at = now() - interval '1 day', expires_at = now() - $2 * interval '1 ms' WHERE generation_id = $1`,
      [id, ms],
    );
    await client.query('COMMIT');
    client.release();
  };

  it('never settles a hold less than two hours past its end, whatever grace the caller passes', async () => {
    const hold = await held();
    await overdue(hold.id, HOUR);
    expect(await release('1 minute')).toEqual([]);
    expect(await balance(hold)).toEqual({ available: 0, held: PRICE });
    await overdue(hold.id, 3 * HOUR);
    expect(await release('1 minute')).toEqual([{ id: hold.id, result: 'settled', reason: 'expired' }]);
    expect(await balance(hold)).toEqual({ available: PRICE, held: 0 });
  });

  it('settles by the recorded terminal verdict, and goes on when one can’t be settled', async () => {
    const [broken, completed, failed] = [await held(), await seen(FINISHED), await seen(BLOCKED)];
    for (const [n, { id }] of [broken, completed, failed].entries()) await overdue(id, 5 * HOUR - n);
    await db.admin.query(
      `ALTER TABLE journal_transactions ADD CONSTRAINT broken CHECK (kind <> 'release' OR account_id <> '${broken.tenant.accountId}')`,
    );
    try {
      expect(await release('2 hours')).toEqual([
        { id: broken.id, result: 'refused', reason: '23514' },
        { id: completed.id, result: 'settled', reason: 'completed' },
        { id: failed.id, result: 'settled', reason: 'provider_failed' },
      ]);
    } finally {
      await db.admin.query('ALTER TABLE journal_transactions DROP CONSTRAINT broken');
    }
    expect(await balance(completed)).toEqual({ available: 0, held: 0 });
    expect(await balance(failed)).toEqual({ available: PRICE, held: 0 });
    await settle(broken.id, 'expired');
  });
});
