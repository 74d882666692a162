import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PRICE } from '../harness/support/database.ts';
import { untilSettled } from '../harness/support/generations.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { ADMIN_KEY, adminPost, openAccount, startStack } from '../harness/support/stack.ts';
import { STATEMENTS } from '../../store/statement.ts';

/** What an account's movements are searched by, and what they add up to. */

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(async () => {
  await stack.stop();
});

interface List {
  data: { id: string; [field: string]: unknown }[];
  last_id: string | null;
  has_more: boolean;
}
/** The lines of each page of CSV, as its Link headers lead from one to the next. */
async function csvPages({ fetch }: TestAccount, from: string): Promise<string[][]> {
  const pages: string[][] = [];
  for (let next: string | undefined = from; next !== undefined;) {
    const answer: Response = await fetch(next, { headers: { accept: 'text/csv' } });
    pages.push((await answer.text()).trim().split('\n').slice(1));
    next = /^<([^>]+)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1];
  }
  return pages;
}
const list = async ({ fetch }: TestAccount, path: string) => (await (await fetch(path)).json()) as List;

/** Of one video: a grant and the hold in October, the charge a day before its hold by a clock that was set back, a refund in November. */
describe('the movements of credits', () => {
  const OCTOBER = Date.UTC(2026, 9, 1) / 1000;
  const NOVEMBER = Date.UTC(2026, 10, 1) / 1000;
  const REFUNDED = 100_000;
  let mine: TestAccount;
  let video: string;
  const AUTHORIZATION = { authorization: `Bearer ${ADMIN_KEY}` };
  const kindsOf = ({ data }: List) => data.map(({ kind }) => kind);
  const path = '/v1/credits/transactions';

  beforeAll(async () => {
    mine = await openAccount(stack, 10 * PRICE);
    const body = { prompt: 'a fox', user: '=cmd', metadata: { order: '42', shop: 'north' } };
    const headers = { 'content-type': 'application/json' };
    const made = await mine.fetch('/v1/videos', { method: 'POST', headers, body: JSON.stringify(body) });
    video = ((await made.json()) as { id: string }).id;
    await untilSettled(stack, [video]);
    const refund = { amount_microcredits: REFUNDED, reason: 'a stutter' };
    const answer = await adminPost(stack, `/videos/${video}/refund`, refund, { 'idempotency-key': 'refund: one' });
    expect(answer.status).toBe(200);
    const days = { grant: '2026-10-01', hold: '2026-10-15', capture: '2026-10-14', refund: '2026-11-01' };
    await asOwner((query) =>
      query(
        `UPDATE journal_transactions t SET recorded_at = ($2::jsonb ->> t.kind)::timestamp AT TIME ZONE 'UTC' WHERE account_id = $1`,
        [mine.id, JSON.stringify(days)],
      ),
    );
  });

  /** With the triggers disabled that keep the journal as it was written. */
  async function asOwner(work: (query: (text: string, values: unknown[]) => Promise<unknown>) => Promise<unknown>) {
    const client = await stack.database.admin.connect();
    try {
      await client.query('BEGIN; SET LOCAL session_replication_role = replica');
      await work((text, values) => client.query(text, values));
      await client.query('COMMIT');
    } finally {
      client.release();
    }
  }

  it.each([
    [
      'of a month',
      `created_after=${OCTOBER}&created_before=${NOVEMBER}`,
      ['grant', 'capture', 'hold'],
      10 * PRICE,
      PRICE,
      0,
    ],
    ['from a moment on', `created_after=${NOVEMBER}`, ['refund'], 0, 0, REFUNDED],
    ['before a moment', `created_before=${OCTOBER + 1}`, ['grant'], 10 * PRICE, 0, 0],
    ['of a video', 'generation_id=VIDEO', ['hold', 'capture', 'refund'], 0, PRICE, REFUNDED],
    ['of a video before a moment', `generation_id=VIDEO&created_before=${NOVEMBER}`, ['hold', 'capture'], 0, PRICE, 0],
    ['of a kind', 'kind=capture', ['capture'], 0, PRICE, 0],
    ['of a kind and a video', 'generation_id=VIDEO&kind=refund', ['refund'], 0, 0, REFUNDED],
    ['of a model', 'model=sora-2', ['hold', 'capture', 'refund'], 0, PRICE, REFUNDED],
    ['of another model', 'model=sora-2-pro', [], 0, 0, 0],
    ['of what was charged', 'state=charged', ['hold', 'capture', 'refund'], 0, PRICE, REFUNDED],
    ['of what is given back, before a moment', `state=refunded&created_before=${NOVEMBER}`, [], 0, 0, 0],
    ['of a model, a state and a kind', 'model=sora-2&state=charged&kind=hold', ['hold'], 0, 0, 0],
  ])(
    '%s are listed with their totals, page after page, in both orders',
    async (_, filter, kinds, granted, charged, refunded) => {
      const query = filter.replace('VIDEO', video);
      const page = (await list(mine, `${path}?order=asc&${query}`)) as List & { totals: object };
      expect(kindsOf(page)).toEqual(kinds);
      expect(page.totals).toEqual({
        granted_microcredits: granted,
        clawed_back_microcredits: 0,
        charged_microcredits: charged,
        refunded_microcredits: refunded,
      });
      for (const order of ['asc', 'desc']) {
        const paged: unknown[] = [];
        for (let after = ''; ;) {
          const one = await list(mine, `${path}?limit=1&order=${order}&${query}${after}`);
          paged.push(...kindsOf(one));
          if (!one.has_more) break;
          after = `&after=${one.last_id ?? ''}`;
        }
        expect(paged).toEqual(order === 'asc' ? kinds : kinds.toReversed());
      }
      const operators = `${stack.url}/admin/accounts/${mine.id}/transactions?order=asc&${query}`;
      expect(await (await fetch(operators, { headers: AUTHORIZATION })).json()).toEqual(page);
      const pages = await csvPages(mine, `${path}?limit=1&order=asc&${query}`);
      expect(pages.flat().map((line) => line.split(',')[2])).toEqual(kinds);
    },
  );

  it('say what each charged, and whose and what for it was, and their sum is what was paid', async () => {
    const { data } = await list(mine, `${path}?order=asc&generation_id=${video}`);
    const labels = { user: '=cmd', metadata: { order: '42', shop: 'north' } };
    expect(data).toMatchObject([
      { kind: 'hold', charged_microcredits: 0, charged: '0.000000', ...labels },
      { kind: 'capture', charged_microcredits: PRICE, ...labels },
      { kind: 'refund', charged_microcredits: -REFUNDED, charged: '-0.100000', ...labels },
    ]);
    expect((await list(mine, `${path}?created_before=${OCTOBER + 1}`)).data).toMatchObject([
      { user: null, metadata: {} },
    ]);
    const headers = { accept: 'text/csv' };
    const csv = await (await mine.fetch(`${path}?generation_id=${video}`, { headers })).text();
    expect(csv.split('\n')[1]).toMatch(/,-0\.100000,-100000,'=cmd,"\{""shop"":""north"",""order"":""42""\}"$/);
  });

  it('of another account are not found by its video', async () => {
    const page = await list(await openAccount(stack, 1), `${path}?generation_id=${video}`);
    expect(page).toMatchObject({ data: [], has_more: false, totals: { charged_microcredits: 0 } });
  });

  it.each([
    ['created_after=yesterday', 'created_after'],
    ['created_before=-1', 'created_before'],
    ['generation_id=video_1', 'generation_id'],
    ['limit=101', 'limit'],
    ['limit=10001', 'limit'],
    ['user=x', 'user'],
  ])('with %s: 400 names the field', async (query, param) => {
    const answer = await mine.fetch(`${path}?${query}`);
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: { code: 'invalid_request', param } }]);
  });

  it.each([
    [
      'list_transactions_between_asc',
      /journal_transactions_at.*\n +Index Cond: .*account_id = .*recorded_at >= .*recorded_at < .*ROW\(/,
    ],
    [
      'list_transactions_between_desc',
      /Backward using journal_transactions_at.*\n +Index Cond: .*account_id = .*ROW\(/,
    ],
    ['statement_totals', /journal_transactions_at/],
    ['list_generation_transactions_asc', /journal_transactions_key/],
    ['generation_totals', /journal_transactions_key/],
  ])('are found by an index: %s', async (name, index) => {
    const text = STATEMENTS.get(name)?.text ?? '';
    let plan = '';
    await asOwner(async (query) => {
      // The table is small here.
      await query('SET LOCAL enable_seqscan = off', []);
      const { rows } = (await query(`EXPLAIN (GENERIC_PLAN) ${text}`, [])) as { rows: { 'QUERY PLAN': string }[] };
      plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    });
    expect(plan).toMatch(index);
  });

  it.each([
    ['of 10,000 at most', 10_050, '', [10_000, 50]],
    ['of 8 MB at most', 6000, 'x'.repeat(3000), [3000, 3000]],
  ])('are CSV in large pages, %s, and nothing is missing between them', async (_, count, reason, pages) => {
    const many = await openAccount(stack, 0);
    await asOwner((query) =>
      query(
        `INSERT INTO journal_transactions (key, kind, account_id, requested_microcredits, reason, available_microcredits,
           issued_microcredits, available_after_microcredits, held_after_microcredits)
         SELECT $1 || n, 'grant', $1, 1, $3, 1, -1, n, 0 FROM generate_series(1, $2::integer) AS n`,
        [many.id, count, reason],
      ),
    );
    const found = await csvPages(many, `${path}?limit=10000&order=asc`);
    const sizes = found.map((lines) => lines.length);
    const seen = new Set(found.flat().map((line) => line.split(',')[1]));
    expect([sizes, seen.size]).toEqual([pages, count]);
  });
});
