import { spawn } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { PRICE } from '../harness/support/database.ts';
import { forEachOf, untilRow } from '../harness/support/generations.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** Long enough for a hold on a busy machine, since most cases expect one. */
const START_TIMEOUT_MS = 5000;
let stack: TestStack;
beforeAll(async () => {
  stack = await startStack({ startTimeoutMs: START_TIMEOUT_MS });
});
afterAll(async () => {
  await stack.stop();
});
afterEach(async () => {
  expect((await stack.database.pool.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
});

async function create(account: TestAccount, prompt: string, headers: Record<string, string> = {}) {
  const answer = await account.fetch('/v1/videos', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ prompt }),
  });
  const body = (await answer.json()) as { id: string; error?: { code: string; message: string } };
  return { status: answer.status, retryAfter: answer.headers.get('retry-after'), body };
}

const UNAVAILABLE = { status: 503, body: { error: { code: 'temporarily_unavailable' } } };

const statesOf = async (account: TestAccount) => {
  const { rows } = await stack.database.admin.query<{ state: string }>(
    'SELECT state FROM generations WHERE account_id = $1 ORDER BY id',
    [account.id],
  );
  return rows.map(({ state }) => state);
};

// MR-28
describe('without a worker', () => {
  it('a request for a video is 503 and nothing is held, then or when a worker comes later', async () => {
    const account = await openAccount(stack, 1_000_000);
    await stack.stopWorkers();
    const answer = await create(account, 'no worker');
    expect(answer).toMatchObject(UNAVAILABLE);
    expect(answer.retryAfter).not.toBeNull();
    const { rows } = await stack.database.pool.query<{ id: string }>(
      'SELECT id FROM generations WHERE account_id = $1',
      [account.id],
    );
    await stack.startWorkers();
    // The workflow was started all the same: a worker now runs it to its end.
    expect(await stack.temporal.workflow.getHandle(String(rows[0]?.id)).result()).toMatchObject({
      outcome: 'refused',
      errorCode: 'voided',
    });
    expect(await account.credits()).toMatchObject({ available_microcredits: 1_000_000, held_microcredits: 0 });
    expect(await statesOf(account)).toEqual(['voided']);
  });

  it('a request that waits when its process must stop is 503 at once, and nothing is held', async () => {
    const account = await openAccount(stack, 1_000_000);
    await stack.stopWorkers();
    const answering = create(account, 'stopping');
    await vi.waitFor(async () => expect(await statesOf(account)).toEqual(['requested']), {
      timeout: 5000,
      interval: 20,
    });
    const toldAt = performance.now();
    stack.giveUp();
    expect(await answering).toMatchObject(UNAVAILABLE);
    expect(performance.now() - toldAt).toBeLessThan(START_TIMEOUT_MS);
    expect(await statesOf(account)).toEqual(['voided']);
    await stack.startWorkers();
  });

  it('a key whose request was given up is served by the next try', async () => {
    const account = await openAccount(stack, 1_000_000);
    await stack.stopWorkers();
    expect(await create(account, 'x [[never]]', { 'idempotency-key': 'k' })).toMatchObject(UNAVAILABLE);
    await stack.startWorkers();
    expect(await create(account, 'x [[never]]', { 'idempotency-key': 'k' })).toMatchObject({ status: 200 });
    expect(await statesOf(account)).toEqual(['voided', 'held']);
  });
});

describe('without Temporal', () => {
  it('a request for a video is 503 and nothing is held; reads go on', async () => {
    const account = await openAccount(stack, 2_000_000);
    const open = await create(account, 'before [[never]]');
    const connection = vi
      .spyOn(stack.temporal.workflow, 'executeUpdateWithStart')
      .mockRejectedValue(new Error('14 UNAVAILABLE'));
    expect(await create(account, 'no Temporal')).toMatchObject(UNAVAILABLE);
    connection.mockRestore();
    expect((await account.fetch(`/v1/videos/${open.body.id}`)).status).toBe(200);
    expect(await account.credits()).toMatchObject({ held_microcredits: PRICE });
    expect(await statesOf(account)).toEqual(['held', 'voided']);
  });

  it('that is lost after the hold was placed, the request is answered as accepted: the hold stands', async () => {
    const account = await openAccount(stack, 1_000_000);
    const real = stack.temporal.workflow.executeUpdateWithStart.bind(stack.temporal.workflow);
    const lost = vi.spyOn(stack.temporal.workflow, 'executeUpdateWithStart').mockImplementation(async (...call) => {
      await real(...call);
      throw new Error('4 DEADLINE_EXCEEDED');
    });
    expect(await create(account, 'late [[never]]')).toMatchObject({ status: 200 });
    lost.mockRestore();
    expect(await statesOf(account)).toEqual(['held']);
  });
});

describe('without PostgreSQL', () => {
  /** Refuses every statement of the service for a while, as a restart does. */
  async function whileAway<Result>(body: () => Promise<Result>): Promise<Result> {
    const { admin } = stack.database;
    const { rows } = await admin.query<{ name: string }>('SELECT current_database() AS name');
    const name = String(rows[0]?.name);
    await admin.query(`ALTER DATABASE ${name} CONNECTION LIMIT 0`);
    await admin.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'holdfast_service' AND datname = $1",
      [name],
    );
    try {
      return await body();
    } finally {
      await admin.query(`ALTER DATABASE ${name} CONNECTION LIMIT -1`);
    }
  }

  it('every answer is 503, and nothing is held', async () => {
    const account = await openAccount(stack, 1_000_000);
    await whileAway(async () => {
      expect(await create(account, 'no database')).toMatchObject(UNAVAILABLE);
      expect((await account.fetch('/v1/credits')).status).toBe(503);
      expect((await fetch(`${stack.url}/readyz`)).status).toBe(503);
      expect((await fetch(`${stack.url}/healthz`)).status).toBe(200);
    });
    expect(await account.credits()).toMatchObject({ available_microcredits: 1_000_000, held_microcredits: 0 });
    expect(await statesOf(account)).toEqual([]);
  });

  it('lost between admission and the hold, the client is never told that nothing is held unless that is so', async () => {
    const account = await openAccount(stack, 1_000_000);
    const real = stack.temporal.workflow.executeUpdateWithStart.bind(stack.temporal.workflow);
    const answer = await new Promise<Awaited<ReturnType<typeof create>>>((resolve, reject) => {
      const spy = vi.spyOn(stack.temporal.workflow, 'executeUpdateWithStart').mockImplementation(async (...call) => {
        spy.mockRestore();
        return whileAway(() => real(...call)).catch(async (error: unknown) => {
          throw error;
        });
      });
      create(account, 'in between [[never]]').then(resolve, reject);
    });
    const [state] = await statesOf(account);
    expect([
      { status: 503, state: 'voided' },
      { status: 200, state: 'held' },
    ]).toContainEqual({ status: answer.status, state });
  });

  // MR-20
  it('away at the settlement: settled once when it is back', async () => {
    const account = await openAccount(stack, 1_000_000);
    const { body } = await create(account, 'settles later [[after:2s]]');
    await whileAway(async () => {
      // Long enough for the look at the completed video to meet the outage.
      const handle = stack.temporal.workflow.getHandle(body.id);
      await vi.waitFor(
        async () => {
          const { raw } = await handle.describe();
          const failing = (raw.pendingActivities ?? []).some(({ attempt }) => (attempt ?? 0) > 1);
          expect(failing).toBe(true);
        },
        { timeout: 20_000, interval: 100 },
      );
    });
    expect(await stack.temporal.workflow.getHandle(body.id).result()).toMatchObject({ outcome: 'captured' });
    expect(await account.credits()).toMatchObject({ available_microcredits: 1_000_000 - PRICE, held_microcredits: 0 });
  });
});

describe('a fault of ours in the database', () => {
  // MR-20
  it('a missing right is retried without end: nothing moves until it is given, then it settles once', async () => {
    const account = await openAccount(stack, 1_000_000);
    const { admin } = stack.database;
    await admin.query('REVOKE EXECUTE ON FUNCTION settle_generation FROM holdfast_service');
    const { body } = await create(account, 'no right');
    const handle = stack.temporal.workflow.getHandle(body.id);
    await vi.waitFor(
      async () => {
        const { raw } = await handle.describe();
        expect((raw.pendingActivities ?? []).some(({ attempt }) => (attempt ?? 0) >= 3)).toBe(true);
      },
      { timeout: 25_000, interval: 100 },
    );
    expect(await account.credits()).toMatchObject({ held_microcredits: PRICE });
    await admin.query('GRANT EXECUTE ON FUNCTION settle_generation TO holdfast_service');
    expect(await handle.result()).toMatchObject({ outcome: 'captured' });
    expect(await account.credits()).toMatchObject({ available_microcredits: 1_000_000 - PRICE, held_microcredits: 0 });
  });

  it('a settlement that a constraint refuses is counted and on record, and moves nothing', async () => {
    const account = await openAccount(stack, 1_000_000);
    const { admin } = stack.database;
    await admin.query("ALTER TABLE holds ADD CONSTRAINT broken CHECK (state <> 'captured') NOT VALID");
    const { body } = await create(account, 'refused by a constraint');
    await vi.waitFor(() => expect(stack.alarms).toContain('settlement_refused'), { timeout: 20_000, interval: 100 });
    expect(await account.credits()).toMatchObject({ held_microcredits: PRICE });
    await admin.query('ALTER TABLE holds DROP CONSTRAINT broken');
    const { rows } = await admin.query(
      "SELECT data FROM generation_events WHERE generation_id = $1 AND kind = 'settlement_refused'",
      [body.id],
    );
    expect(rows).toEqual([{ data: { asked: 'completed', why: 'constraint' } }]);
  });
});

// MR-81
describe('cancel, delete and content', () => {
  // MR-24, MR-87
  it('a cancel after the submission moves no credits, however often it is sent; the outcome settles', async () => {
    const account = await openAccount(stack, 1_000_000);
    const { body } = await create(account, 'cancelled late [[after:6s]]');
    const cancel = () => account.fetch(`/v1/videos/${body.id}/cancel`, { method: 'POST' });
    await untilRow(stack, body.id, "g.provider_status = 'in_progress'");
    const answers = await forEachOf(Array(50).fill(null), 5, cancel);
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200));
    expect(await account.credits()).toMatchObject({ held_microcredits: PRICE });
    const handle = stack.temporal.workflow.getHandle(body.id);
    expect(await handle.result()).toMatchObject({ outcome: 'captured' });
    expect((await handle.describe()).historyLength).toBeLessThan(90);
    const late = await cancel();
    expect({ status: late.status, retry: late.headers.get('x-should-retry') }).toEqual({ status: 409, retry: 'false' });
    expect(await late.json()).toMatchObject({ error: { code: 'already_settled' } });
  });

  it('a cancel before anything was made gives the credits back', async () => {
    const account = await openAccount(stack, 1_000_000);
    const { body } = await create(account, 'never made [[create:429]] [[retry-after:60]]');
    await account.fetch(`/v1/videos/${body.id}/cancel`, { method: 'POST' });
    expect(await stack.temporal.workflow.getHandle(body.id).result()).toMatchObject({
      outcome: 'released',
      errorCode: 'cancelled',
    });
    expect(await account.credits()).toMatchObject({ available_microcredits: 1_000_000, held_microcredits: 0 });
  });

  it('an open video is not deleted: that is no way to a refund', async () => {
    const account = await openAccount(stack, 1_000_000);
    const { body } = await create(account, 'open [[never]]');
    const answer = await account.fetch(`/v1/videos/${body.id}`, { method: 'DELETE' });
    expect(answer.status).toBe(409);
    expect(answer.headers.get('x-should-retry')).toBe('false');
    expect(await answer.json()).toMatchObject({ error: { code: 'video_not_terminal' } });
    expect(await account.credits()).toMatchObject({ held_microcredits: PRICE });
  });

  it('a charged video is deleted here and at the provider; the charge stands', async () => {
    const account = await openAccount(stack, 1_000_000);
    const { body } = await create(account, 'soon deleted');
    await stack.temporal.workflow.getHandle(body.id).result();
    const answer = await account.fetch(`/v1/videos/${body.id}`, { method: 'DELETE' });
    expect(await answer.json()).toEqual({ id: body.id, object: 'video.deleted', deleted: true });
    expect((await account.fetch(`/v1/videos/${body.id}`)).status).toBe(404);
    expect((await account.fetch(`/v1/videos/${body.id}/content`)).status).toBe(404);
    expect(await account.credits()).toMatchObject({ available_microcredits: 1_000_000 - PRICE });
  });

  it("another tenant's cancel and delete are 404 and change nothing", async () => {
    const [owner, stranger] = await Promise.all([openAccount(stack, 1_000_000), openAccount(stack, 0)]);
    const { body } = await create(owner, 'mine [[never]]');
    expect((await stranger.fetch(`/v1/videos/${body.id}/cancel`, { method: 'POST' })).status).toBe(404);
    expect((await stranger.fetch(`/v1/videos/${body.id}`, { method: 'DELETE' })).status).toBe(404);
    const { rows } = await stack.database.pool.query('SELECT cancel_requested_at FROM generations WHERE id = $1', [
      body.id,
    ]);
    expect(rows).toEqual([{ cancel_requested_at: null }]);
  });

  it('a client that hangs up while the database is slow, and tries again, is charged for one video', async () => {
    const account = await openAccount(stack, 10_000_000);
    const create = (retries: number, signal?: AbortSignal) =>
      account.fetch('/v1/videos', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-stainless-retry-count': String(retries) },
        body: JSON.stringify({ prompt: 'asked for once, sent twice' }),
        ...(signal === undefined ? {} : { signal }),
      });
    const admitting = async () => {
      const { rowCount } = await stack.database.admin.query(
        "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'admit_generation|find_repeat'",
      );
      return rowCount;
    };
    const blocker = await stack.database.admin.connect();
    await blocker.query('BEGIN; LOCK TABLE generations IN EXCLUSIVE MODE');
    const hungUp = new AbortController();
    const first = create(0, hungUp.signal).catch(() => 'hung up');
    await vi.waitFor(async () => expect(await admitting()).toBe(1), { timeout: 5000, interval: 20 });
    hungUp.abort();
    expect(await first).toBe('hung up');
    const second = create(1);
    await vi.waitFor(async () => expect(await admitting()).toBe(2), { timeout: 5000, interval: 20 });
    await blocker.query('COMMIT');
    blocker.release();
    expect((await second).status).toBe(200);
    // The second waited for the first and holds that, or, where that was given up before, is one of its own.
    await vi.waitFor(
      async () => expect((await statesOf(account)).filter((state) => state !== 'voided')).toEqual(['charged']),
      { timeout: 20_000, interval: 100 },
    );
    expect(await account.credits()).toMatchObject({ available_microcredits: 10_000_000 - 571_429 });
  });

  it('a client that hangs up on its create is charged by the outcome all the same, or nothing is made', async () => {
    const account = await openAccount(stack, 1_000_000);
    const curl = spawn('curl', [
      '-s',
      '-m',
      '0.02',
      '-H',
      `Authorization: Bearer ${account.key}`,
      '-F',
      'prompt=hung up',
      `${stack.url}/v1/videos`,
    ]);
    await new Promise((resolve) => curl.once('close', resolve));
    // Gone before its hold was placed, it holds nothing, and no video is made.
    const settled = async () =>
      (await statesOf(account)).filter((state) => state === 'charged' || state === 'voided').length;
    const admitted = (await statesOf(account)).length;
    if (admitted > 0) await vi.waitFor(async () => expect(await settled()).toBe(1), { timeout: 20_000, interval: 100 });
    expect(await account.credits()).toMatchObject({ held_microcredits: 0 });
  });
});
