import { describe, expect, it } from 'vitest';
import { ALL, contentSteps } from '../harness/support/contentSteps.ts';

const { site, held, charged } = contentSteps();

describe('what its owner was sent of a video', () => {
  const servedOf = async (id: string) =>
    (
      await site.db.pool.query(`SELECT FROM generation_events WHERE generation_id = $1 AND kind = 'content_served'`, [
        id,
      ])
    ).rowCount;

  it('is the whole once its parts are, in any order', async () => {
    const id = await charged();
    const parts = [
      [5, 9],
      [0, 5],
      [10, 11],
      [10, 11],
    ] as const;
    for (const [from, to] of parts) await site.db.ledger.recordContentServed(id, { from, to, total: 11 });
    expect(await servedOf(id)).toBe(0);
    await site.db.ledger.recordContentServed(id, { from: 9, to: 10, total: 11 });
    expect(await servedOf(id)).toBe(1);
  });

  it('is not the whole while nobody knows how long that is', async () => {
    const id = await charged();
    await site.db.ledger.recordContentServed(id, { from: 0, to: 11, total: null });
    expect(await servedOf(id)).toBe(0);
  });

  it('is kept in a thousand pieces at most; a client that asks for more counts as served', async () => {
    const id = await charged();
    await site.db.admin.query(
      `INSERT INTO served_parts SELECT $1, range_agg(int8range(2 * n, 2 * n + 1)) FROM generate_series(1, 999) n`,
      [id],
    );
    await site.db.ledger.recordContentServed(id, { from: 0, to: 1, total: 1_000_000 });
    expect(await servedOf(id)).toBe(0);
    await site.db.ledger.recordContentServed(id, { from: 5000, to: 5001, total: 1_000_000 });
    expect(await servedOf(id)).toBe(1);
  });
});

describe('what is told once', () => {
  it('is that the provider sent something else, and that the whole was sent to its owner', async () => {
    const id = await charged();
    expect(await site.db.ledger.recordUnusableContent(id, 'the video is not complete')).toBe(true);
    expect(await site.db.ledger.recordUnusableContent(id, 'the content is empty')).toBe(false);
    await site.db.ledger.recordContentServed(id, ALL);
    await site.db.ledger.recordContentServed(id, ALL);
    const { rows } = await site.db.pool.query<{ kind: string }>(
      `SELECT kind FROM generation_events WHERE generation_id = $1 AND starts_with(kind, 'content_') ORDER BY sequence`,
      [id],
    );
    expect(rows.map(({ kind }) => kind)).toEqual(['content_unusable', 'content_served']);
  });

  it('is not that a video was served which is not charged', async () => {
    const id = await held();
    await site.db.ledger.recordContentServed(id, ALL);
    const { rowCount } = await site.db.pool.query(
      `SELECT FROM generation_events WHERE generation_id = $1 AND kind = 'content_served'`,
      [id],
    );
    expect(rowCount).toBe(0);
  });
});
