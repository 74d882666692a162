import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ALL, GONE, PROVIDER, archived, contentSteps } from '../harness/support/contentSteps.ts';
import { admit, openTenant, PRICE } from '../harness/support/database.ts';

const { site, held, charged, age, record } = contentSteps();

describe('a charged video whose content is on record as gone (MR-22)', () => {
  const gone = async (id: string) => {
    await age(id, '1 hour');
    return site.db.ledger.recordContentGone(id);
  };
  const refundsOf = async (id: string) =>
    (
      await site.db.pool.query(
        'SELECT key, amount_microcredits AS amount, actor FROM refunds WHERE generation_id = $1',
        [id],
      )
    ).rows;
  const OURS = { key: 'content gone', amount: PRICE, actor: 'holdfast' };

  it('is refunded in full, once, by ourselves, in the transaction of the record', async () => {
    const id = await charged();
    const before = await site.db.ledger.getBalance(site.tenant.accountId);
    expect(await gone(id)).toEqual({ content: GONE, refund: 'refunded' });
    expect(await refundsOf(id)).toEqual([OURS]);
    expect(await gone(id)).toEqual({ content: GONE, refund: null });
    expect(await refundsOf(id)).toHaveLength(1);
    const after = await site.db.ledger.getBalance(site.tenant.accountId);
    expect(after.availableMicrocredits - before.availableMicrocredits).toBe(PRICE);
    expect(await site.db.ledger.getRefunded(id)).toBe(PRICE);
    const { rows } = await site.db.pool.query(
      `SELECT state, charged_amount_microcredits AS charged FROM generations WHERE id = $1`,
      [id],
    );
    expect(rows).toEqual([{ state: 'charged', charged: PRICE }]);
  });

  it('is refunded once by eight workers at the same moment', async () => {
    const id = await charged();
    await age(id, '1 hour');
    const answers = await Promise.all(Array.from({ length: 8 }, () => site.db.ledger.recordContentGone(id)));
    expect(answers.filter(({ refund }) => refund === 'refunded')).toHaveLength(1);
    expect(await refundsOf(id)).toEqual([OURS]);
  });

  it.each(['one', 'content_gone'])('is refunded what an operator has not given back by a key, %s', async (key) => {
    const id = await charged();
    const part = { generationId: id, amountMicrocredits: 71_429, reason: 'kindness', idempotencyKey: key };
    await site.db.ledger.refundGeneration(part);
    expect(await gone(id)).toMatchObject({ refund: 'refunded' });
    expect(await refundsOf(id)).toEqual([
      { key, amount: 71_429, actor: 'operator' },
      { ...OURS, amount: PRICE - 71_429 },
    ]);
  });

  it('is not refunded a second time after an operator gave all of it back', async () => {
    const id = await charged();
    await site.db.ledger.refundGeneration({
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
    ['whose owner has begun to delete it', (id) => site.db.ledger.beginOwnersDeletion(site.tenant.accountId, id)],
    ['that its owner has deleted', (id) => site.db.ledger.deleteGeneration(site.tenant.accountId, id)],
    ['that was sent to its owner to the last byte', (id) => site.db.ledger.recordContentServed(id, ALL)],
  ])('%s is not refunded', async (_what, had) => {
    const id = await charged();
    await had(id);
    expect(await gone(id)).toMatchObject({ refund: null });
    expect(await refundsOf(id)).toEqual([]);
  });

  it('is refunded whatever another account asks for', async () => {
    const id = await charged();
    await site.db.ledger.beginOwnersDeletion((await openTenant(site.db, 0)).accountId, id);
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
    const rich = await openTenant(site.db, PRICE);
    const id = await admit(site.db, rich);
    await site.db.ledger.placeHold(id, 3600);
    await site.db.ledger.beginAttempt(id, [PROVIDER]);
    const video = randomUUID();
    await site.db.ledger.endAttempt(id, 1, { outcome: 'created', providerVideoId: video, providerCreatedAt: null });
    const seen = { verdict: 'completed', status: 'completed', progress: null, completedAt: null } as const;
    await site.db.ledger.recordLook(id, video, { ...seen, errorCode: null, errorMessage: null });
    await site.db.ledger.settleGeneration(id, 'completed');
    const all = { accountId: rich.accountId, amountMicrocredits: Number.MAX_SAFE_INTEGER, reason: 'all there is' };
    await site.db.ledger.grantCredits({ ...all, idempotencyKey: 'all' });
    expect(await gone(id)).toEqual({ content: GONE, refund: 'too_large' });
    expect(await site.db.ledger.getContent(rich.accountId, id, 'video')).toEqual(GONE);
    const { rows } = await site.db.pool.query(
      `SELECT data FROM generation_events WHERE generation_id = $1 AND kind = 'content_refund_refused'`,
      [id],
    );
    expect(rows).toEqual([{ data: { outcome: 'too_large' } }]);
  });
});

it('a refund is by an operator or by ourselves, and by nobody else', async () => {
  const refund = site.db.admin.query(`SELECT refund_generation($1, NULL, 'r', 'k', 'somebody')`, [await charged()]);
  await expect(refund).rejects.toMatchObject({ code: '23514' });
});
