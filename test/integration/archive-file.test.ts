import { beforeAll, describe, expect, it } from 'vitest';
import {
  alarms,
  answers,
  archiveAt,
  charged,
  db,
  once,
  status,
  tenant,
  useArchiveSite,
  whole,
} from '../harness/support/archiveSite.ts';
import { type CrashPoint, interruptAt } from '../harness/support/crashPoints.ts';
import { PRICE } from '../harness/support/database.ts';
import { box, film, type Film, mp4 } from '../harness/support/mp4.ts';

/** The activity that archives reads the file: what was charged above what it shows is refunded once (MR-75, MR-101). */

useArchiveSite();

beforeAll(async () => {
  const terms = { lengths: [2, 4], charge_rule: 'as_made' } as const;
  await db.ledger.setOffer({ model: 'sora-2', terms, effectiveFrom: null, idempotencyKey: 'as made' });
});

const HALF_OF_IT: Film = { seconds: 2 };
const HALF = Math.floor(PRICE / 2);
const refunds = async (id: string) =>
  (await db.pool.query('SELECT amount_microcredits AS amount FROM refunds WHERE generation_id = $1', [id])).rows;

it.each<[string, Buffer, number, string[]]>([
  ['of half the length', film(HALF_OF_IT), HALF, ['content_otherwise']],
  ['as it was sold', film({ seconds: 4 }), 0, []],
  ['that is longer', film({ seconds: 9 }), 0, ['content_otherwise']],
  ['that is damaged within its index', film({ ...HALF_OF_IT, more: box('free', Buffer.alloc(9), 900) }), 0, []],
  ['without readable headers', mp4(9000), 0, []],
  ['of WebM', Buffer.from('1a45dfa3874282847765626d185380678180', 'hex'), 0, []],
])('a file %s is archived, and the difference is counted and refunded', async (_what, file, refunded, counted) => {
  const id = await charged();
  answers.push(whole({}, file));
  expect((await once(id)).end).toBe('archived');
  expect(alarms).toEqual(counted);
  expect(await db.ledger.getRefunded(id)).toBe(refunded);
  // Again, as the reconciler would.
  expect((await once(id)).end).toBe('archived');
  expect(await db.ledger.getRefunded(id)).toBe(refunded);
  expect(await db.ledger.getContent(tenant.accountId, id, 'video')).toMatchObject({ state: 'archived' });
});

describe('a shorter file is refunded once', () => {
  it.each<CrashPoint>(['archive:stored', 'archive:recorded'])('wherever the process dies: at %s', async (point) => {
    const id = await charged();
    answers.push(whole({}, film(HALF_OF_IT)));
    const dies = () => {
      throw new Error('the worker dies here');
    };
    const deps = interruptAt({ archive: archiveAt(), store: db.ledger }, point, dies);
    const first = await once(id, undefined, deps);
    expect(first.end).toMatchObject({ message: 'the worker dies here' });
    const { total } = (first.details as { progress: { total: number } }).progress;
    // Everything is stored, so the provider has nothing to add.
    answers.push(status(416, { 'content-range': `bytes */${total}` }));
    expect((await once(id, first.details)).end).toBe('archived');
    expect(await refunds(id)).toEqual([{ amount: HALF }]);
  });

  it('also when it came in two parts, to two workers', async () => {
    const file = film(HALF_OF_IT);
    const id = await charged();
    answers.push((response) => {
      response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': file.length });
      response.write(file.subarray(0, 100), () => setTimeout(() => response.destroy(), 50));
    });
    const { details } = await once(id);
    answers.push((response, { headers }) => {
      const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? 'bytes=0-')?.[1]);
      response.writeHead(206, { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` });
      response.end(file.subarray(from));
    });
    expect((await once(id, details)).end).toBe('archived');
    expect(await refunds(id)).toEqual([{ amount: HALF }]);
  });
});
