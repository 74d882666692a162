import { createHash, randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ActivityDependencies } from '../../activities/index.ts';
import { createProviderActivities } from '../../activities/providerActivities.ts';
import type { TextOutcome } from '../../contracts/activities.ts';
import { textId } from '../../contracts/ids.ts';
import { type Provider, providersOf } from '../../provider/index.ts';
import type { Tenant, TestDatabase } from '../harness/support/database.ts';
import { createTestDatabase, openTenant } from '../harness/support/database.ts';
import { closeServers, provider as providerAt, serve } from '../unit/provider-server.ts';

/** Who writes a text, when Temporal or the database loses sight of the one who does. */

const LEASE_MS = 1000;
/** What is thrown here is looked at by the tests. */
const QUIET = new DefaultLogger('ERROR');
const WHOLE = 'the whole of it';
/** As it is billed: (100 × 0.4 + 50 × 1.6) ÷ 0.7 microcredits, rounded up. */
const BILLED = 172;

let db: TestDatabase;
let provider: Provider;
/** The streams of the texts that were asked for, in order. */
let streams: ServerResponse[];
beforeAll(async () => {
  db = await createTestDatabase();
  const { baseUrl } = await serve((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    streams.push(response);
  });
  provider = providerAt(baseUrl);
});
beforeEach(() => {
  streams = [];
});
afterEach(async () => {
  expect((await db.pool.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
});
afterAll(async () => {
  await closeServers();
  await db.drop();
});

interface Writing {
  readonly id: string;
  readonly tenant: Tenant;
}

async function held(): Promise<Writing> {
  const tenant = await openTenant(db, 1_000_000);
  const id = textId('script', randomUUID());
  const request = { kind: 'script', model: 'gpt-4.1-mini', topic: 't', tone: 'x', length: 'short' };
  await db.ledger.admitText({
    ...tenant,
    generationId: id,
    model: request.model,
    request,
    inputBoundTokens: 700,
    maxOutputTokens: 1000,
    admitWithinMs: 60_000,
    fingerprint: createHash('sha256').update(id).digest(),
    idempotencyKey: null,
  });
  await db.ledger.placeHold(id, 3600);
  return { id, tenant };
}

/** One try of the activity, and how Temporal cancels it. */
function trying({ id, tenant }: Writing, asked: Provider = provider) {
  const logged: [fields: object, message: string][] = [];
  const log = (fields: object, message: string) => logged.push([fields, message]);
  const env = new MockActivityEnvironment({}, { logger: QUIET });
  const activities = createProviderActivities({
    ledger: db.ledger,
    store: db.ledger,
    providers: providersOf([asked]),
    textLeaseMs: LEASE_MS,
    count: () => undefined,
    log: { info: log, warn: log, error: log },
  } as unknown as ActivityDependencies);
  const input = { generationId: id, accountId: tenant.accountId, leastTimeLeftMs: 0 };
  const end = (env.run(activities.writeText, input) as Promise<TextOutcome>).then(
    ({ outcome }) => outcome,
    (error: Error & { type?: string }) => error.type ?? error,
  );
  return { end, logged, cancel: () => env.cancel('NOT_FOUND') };
}

const piece = (content: string) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;
const USAGE = `data: ${JSON.stringify({ choices: [{ delta: {}, finish_reason: 'stop' }], usage: { prompt_tokens: 100, completion_tokens: 50 } })}\n\n`;

/** The stream of the text, once it is asked for. */
const stream = (nth = 0) =>
  vi.waitFor(() => {
    const response = streams[nth];
    if (response === undefined) throw new Error('it was not asked for');
    return response;
  });
const output = async ({ id, tenant }: Writing) => (await db.ledger.getText(tenant.accountId, id))?.output;
const delivered = (writing: Writing, text: string) => vi.waitFor(async () => expect(await output(writing)).toBe(text));
const settled = async (writing: Writing) => {
  await db.ledger.settleGeneration(writing.id, 'completed', { accountId: writing.tenant.accountId });
  const text = await db.ledger.getText(writing.tenant.accountId, writing.id);
  return { output: text?.output, charged: text?.chargedMicrocredits };
};
const lease = async ({ id }: Writing) => {
  const { rows } = await db.admin.query<{ ms: number; isOver: boolean }>(
    `SELECT extract(epoch FROM lease_until)::float8 * 1000 AS ms, lease_until < clock_timestamp() AS "isOver"
     FROM provider_attempts WHERE generation_id = $1`,
    [id],
  );
  return rows[0] ?? { ms: Number.NaN, isOver: false };
};
const untilOver = (writing: Writing) =>
  vi.waitFor(async () => expect((await lease(writing)).isOver).toBe(true), { timeout: 10_000 });
/** Twice as long as it would last if it were not renewed. */
const untilRenewed = async (writing: Writing) => {
  const { ms } = await lease(writing);
  await vi.waitFor(async () => expect((await lease(writing)).ms).toBeGreaterThan(ms + 2 * LEASE_MS), {
    timeout: 10_000,
  });
};
const rights = (right: 'GRANT' | 'REVOKE', functions: string) =>
  db.admin.query(`${right} EXECUTE ON FUNCTION ${functions} ${right === 'GRANT' ? 'TO' : 'FROM'} holdfast_service`);

describe('a try of the activity that comes while another writes the text', () => {
  it('closes nothing, and answers with its end: the text is whole, asked for once, and charged what was billed', async () => {
    const writing = await held();
    const first = trying(writing);
    (await stream()).write(piece('the whole '));
    await delivered(writing, 'the whole ');
    // As the SDK does once Temporal has heard no heartbeat.
    first.cancel();
    for (const _ of [1, 2, 3]) {
      expect(await trying(writing).end).toBe('TextIsWritten');
      await untilRenewed(writing);
    }
    (await stream()).end(`${piece('of it')}${USAGE}`);
    expect(await first.end).toBe('ended');
    expect(await trying(writing).end).toBe('ended');
    expect(streams).toHaveLength(1);
    expect(await settled(writing)).toEqual({ output: WHOLE, charged: BILLED });
  });

  it('closes it at what was delivered once the lease and the last call have run out', async () => {
    const writing = await held();
    const first = trying(writing);
    (await stream()).write(piece('the whole '));
    await delivered(writing, 'the whole ');
    // It can’t be killed alone, but it may be kept from the database for ever.
    await rights('REVOKE', 'record_text');
    try {
      const began = performance.now();
      await vi.waitFor(async () => expect(await trying(writing).end).toBe('ended'), { timeout: 10_000, interval: 100 });
      expect(performance.now() - began).toBeGreaterThan(LEASE_MS);
    } finally {
      await rights('GRANT', 'record_text');
    }
    const response = await stream();
    const closed = new Promise((resolve) => response.once('close', resolve));
    await vi.waitFor(() => {
      response.write(piece('and more'));
      expect(response.destroyed).toBe(true);
    });
    await closed;
    expect(await first.end).toBe('ended');
    expect(streams).toHaveLength(1);
    expect((await settled(writing)).output).toBe('the whole ');
  });
});

describe('a fault of ours while a text is written', () => {
  it('that lasts longer than the lease cuts nothing off, though another try asks the moment it is over', async () => {
    const writing = await held();
    const first = trying(writing);
    (await stream()).write(piece('the whole '));
    await delivered(writing, 'the whole ');
    await rights('REVOKE', 'record_text, close_text');
    await untilOver(writing);
    await rights('GRANT', 'record_text, close_text');
    expect(await trying(writing).end).toBe('TextIsWritten');
    (await stream()).end(`${piece('of it')}${USAGE}`);
    expect(await first.end).toBe('ended');
    expect(await settled(writing)).toEqual({ output: WHOLE, charged: BILLED });
  });

  it('at its end is waited for, also when Temporal listens no more', async () => {
    const writing = await held();
    const first = trying(writing);
    const writes = await stream();
    first.cancel();
    await rights('REVOKE', 'end_text');
    writes.end(`${piece(WHOLE)}${USAGE}`);
    await delivered(writing, WHOLE);
    await untilRenewed(writing);
    expect(await trying(writing).end).toBe('TextIsWritten');
    await rights('GRANT', 'end_text');
    expect(await first.end).toBe('ended');
    expect(await settled(writing)).toEqual({ output: WHOLE, charged: BILLED });
  });
});

it('a text that the provider does not write for minutes keeps its writer', async () => {
  const writing = await held();
  const first = trying(writing);
  const silent = await stream();
  await untilRenewed(writing);
  expect(await trying(writing).end).toBe('TextIsWritten');
  silent.end(`${piece(WHOLE)}${USAGE}`);
  expect(await first.end).toBe('ended');
  expect(await settled(writing)).toEqual({ output: WHOLE, charged: BILLED });
});

it('a call that may have arrived is logged once, with its generation and why, and nothing else', async () => {
  const writing = await held();
  const answer = { outcome: 'ambiguous', why: 'connection reset' } as const;
  const first = trying(writing, { ...provider, writeText: () => Promise.resolve(answer) });
  expect(await first.end).toBe('ended');
  const fields = { generationId: writing.id, attempt: 1, why: 'connection reset' };
  expect(first.logged).toEqual([[fields, 'a call for a text may have arrived; it is not repeated']]);
});
