import { createHash, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { textId, videoId } from '../../contracts/ids.ts';
import type { Tenant, TestDatabase } from '../harness/support/database.ts';
import { createTestDatabase, openTenant } from '../harness/support/database.ts';
import { FINISHED, ledgerSteps } from '../harness/support/ledgerSteps.ts';

/** The operators' switch in the ledger: what is refused while sales are closed, and what goes on. */

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase(5);
});
afterEach(async () => {
  await change(true);
});
afterAll(async () => {
  await db.drop();
});

const { created, settle, outlive } = ledgerSteps(() => db);
const change = (open: boolean, idempotencyKey: string = randomUUID()) =>
  db.ledger.setSales({ open, reason: 'a reason', idempotencyKey });
const asked = (tenant: Tenant) => ({
  ...tenant,
  admitWithinMs: 60_000,
  fingerprint: createHash('sha256').update('x').digest(),
  idempotencyKey: 'k',
  maxMicrocredits: null,
});
const video = (tenant: Tenant) =>
  db.ledger.admitGeneration({
    ...asked(tenant),
    generationId: videoId(randomUUID()),
    model: 'sora-2',
    seconds: 4,
    size: '720x1280',
    prompt: 'x',
  });
const script = (tenant: Tenant) =>
  db.ledger.admitText({
    ...asked(tenant),
    generationId: textId('script', randomUUID()),
    model: 'gpt-4.1-mini',
    request: {},
    inputBoundTokens: 10,
    maxOutputTokens: 10,
  });

describe('while sales are closed', () => {
  it('a video, a text and a claim are refused and leave nothing; what came before is replayed', async () => {
    const [before, fresh] = [await openTenant(db, 10_000_000), await openTenant(db, 10_000_000)];
    const first = await video(before);
    if (first.outcome !== 'admitted') throw new Error(first.outcome);
    await db.ledger.placeHold(first.generationId, 3600);
    const late = await created();
    await outlive(late.id);
    await settle(late.id, 'expired');
    await db.ledger.recordLook(late.id, late.video, FINISHED);
    const claim = () =>
      db.ledger.claimGeneration({
        ...late.tenant,
        generationId: videoId(randomUUID()),
        claimOf: late.id,
        admitWithinMs: 60_000,
        fingerprint: Buffer.alloc(32),
        idempotencyKey: null,
      });
    await change(false);
    expect(await video(fresh)).toEqual({ outcome: 'sales_closed' });
    expect(await script(fresh)).toEqual({ outcome: 'sales_closed' });
    expect(await claim()).toMatchObject({ outcome: 'sales_closed' });
    const { rowCount } = await db.admin.query(
      'SELECT FROM generations WHERE account_id = $1 OR claim_of = $2 UNION ALL SELECT FROM idempotency_keys WHERE account_id = $1',
      [fresh.accountId, late.id],
    );
    expect(rowCount).toBe(0);
    expect(await video(before)).toMatchObject({ outcome: 'replay', generationId: first.generationId });
    await change(true);
    const claimed = await claim();
    expect(claimed).toMatchObject({ outcome: 'admitted' });
    await change(false);
    expect(await claim()).toEqual({ ...claimed, outcome: 'pending' });
    await change(true);
    expect(await video(fresh)).toMatchObject({ outcome: 'admitted' });
  });
});

describe('the switch', () => {
  it('keeps every change, and obeys a key once', async () => {
    expect(await change(false, 'one')).toMatchObject({ outcome: 'set', open: false, replayed: false });
    await change(true);
    expect(await change(false, 'one')).toMatchObject({ outcome: 'set', open: false, replayed: true });
    expect(await db.ledger.getSales()).toMatchObject({ open: true });
    expect(await change(true, 'one')).toMatchObject({ outcome: 'key_reused' });
    for (const statement of [
      "UPDATE sales_changes SET reason = 'x'",
      'DELETE FROM sales_changes',
      'TRUNCATE sales_changes',
    ])
      await expect(db.admin.query(statement)).rejects.toMatchObject({ code: 'HF004' });
    await expect(
      db.pool.query("INSERT INTO sales_changes (key, is_open, reason) VALUES ('k', true, 'x')"),
    ).rejects.toMatchObject({ code: '42501' });
  });
});
