import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createProviders, type Providers } from '../../provider/index.ts';
import { PRICE } from '../harness/support/database.ts';
import { ask, eventsOf, expectNoDrift, movementsOf, untilRow, untilSettled } from '../harness/support/generations.ts';
import { actsOn, bendHold, reconcile, settledAs, terminate } from '../harness/support/reconciling.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';
import type { VllmOmniServer } from '../harness/support/vllmOmniServer.ts';
import { startVllmOmniServer } from '../harness/support/vllmOmniServer.ts';

/** A cancel from the API to a server that speaks vLLM-Omni's DELETE, and back into the books (MR-9). */

vi.setConfig({ testTimeout: 90_000 });

const HOLD_SECONDS = 20;

let server: VllmOmniServer;
let stack: TestStack;
/** Whether the settings of this moment let Holdfast end work. */
let allowed = true;
/** Generations whose proof can't be recorded so many times. */
const away = new Map<string, number>();

/** The same provider with and without the setting, as if every process had been started again in between. */
function providers(url: string): Providers {
  const at = (cancel: boolean) =>
    createProviders([{ name: 'openai', baseUrl: `${url}/v1`, apiKey: 'key', dialect: 'vllm-omni', can: { cancel } }]);
  const [withCancel, without] = [at(true), at(false)];
  const now = () => (allowed ? withCancel : without);
  return {
    get all() {
      return now().all;
    },
    named: (name) => now().named(name),
    bound: (identity) => now().bound(identity),
  };
}

beforeAll(async () => {
  server = await startVllmOmniServer();
  stack = await startStack({
    providers,
    holdTtlSeconds: HOLD_SECONDS,
    providerBehind: async () => server,
    wrapped: (deps) => ({
      ...deps,
      store: {
        ...deps.store,
        recordCancelEnded: async (id, video) => {
          const left = away.get(id) ?? 0;
          away.set(id, left - 1);
          if (left > 0) throw new Error('the database is away');
          return deps.store.recordCancelEnded(id, video);
        },
      },
    }),
  });
});
afterEach(async () => {
  allowed = true;
  await expectNoDrift(stack);
});
afterAll(async () => {
  await stack.stop();
});

/** A video that the server is making. */
async function making(account?: TestAccount) {
  const owner = account ?? (await openAccount(stack, PRICE));
  const id = await ask(owner, randomUUID());
  await untilRow(stack, id, "g.provider_verdict = 'open' AND g.last_look_at IS NOT NULL");
  const { rows } = await stack.database.pool.query<{ video: string }>(
    'SELECT provider_video_id AS video FROM generations WHERE id = $1',
    [id],
  );
  const job = server.jobs.get(rows[0]?.video ?? '');
  if (job === undefined) throw new Error('the server has no such job');
  return { owner, id, job };
}

async function cancel({ owner, id }: { owner: TestAccount; id: string }) {
  const answer = await owner.fetch(`/v1/videos/${id}/cancel`, { method: 'POST' });
  expect(answer.status).toBe(200);
}

const deletesOf = (video: string) => server.deletes.filter((id) => id === video).length;
const content = ({ owner, id }: { owner: TestAccount; id: string }) => owner.fetch(`/v1/videos/${id}/content`);
const messages = async ({ owner, id }: { owner: TestAccount; id: string }) => {
  const answer = await owner.fetch(`/v1/videos/${id}/timeline`);
  const { data } = (await answer.json()) as { data: { message: string }[] };
  return data.map(({ message }) => message);
};

// MR-9
describe.concurrent('a cancel while the video is made', () => {
  it('ends the work at the provider, gives the credits and the slot back, and says so', async () => {
    const made = await making();
    const asked = () => made.owner.fetch(`/v1/videos/${made.id}/cancel`, { method: 'POST' });
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await asked()).status));
    expect(statuses).toContain(200);
    // The last of them may come when it has ended.
    expect(statuses.filter((status) => ![200, 409].includes(status))).toEqual([]);
    expect(await settledAs(stack, made.id)).toBe('cancelled');
    expect([deletesOf(made.job.id), server.jobs.has(made.job.id)]).toEqual([1, false]);
    expect(await movementsOf(stack, made.id)).toEqual(['hold', 'release']);
    expect(await made.owner.credits()).toMatchObject({ available_microcredits: PRICE, held_microcredits: 0 });
    expect((await stack.database.ledger.getBalance(made.owner.id)).activeGenerations).toBe(0);
    expect((await messages(made)).slice(-4)).toEqual([
      'Cancel requested. If the provider has already begun, the video is charged only if it completes, and refunded otherwise',
      'Asking the provider to end its work on the video; if it completes all the same, it is charged once its content is kept',
      'The provider has ended its work on the video',
      '0.571429 credits returned: it was cancelled before there was a video',
    ]);
    const shown = (await (await made.owner.fetch(`/v1/videos/${made.id}`)).json()) as { error: unknown };
    expect(shown.error).toMatchObject({
      code: 'cancelled',
      message: 'It was cancelled while the video was being made.',
    });
    expect((await content(made)).status).toBeGreaterThanOrEqual(400);
  });

  it('of one that finished since it was looked at: its file is deleted, so nobody has it and nobody pays', async () => {
    const made = await making();
    server.accidents.set(made.job.id, 'finishes');
    await cancel(made);
    expect(await settledAs(stack, made.id)).toBe('cancelled');
    expect(await made.owner.credits()).toMatchObject({ available_microcredits: PRICE, held_microcredits: 0 });
    expect((await content(made)).status).toBeGreaterThanOrEqual(400);
  });

  it('of one that has finished is not sent: it is charged', async () => {
    const made = await making();
    server.finish(made.job);
    await cancel(made);
    expect(await settledAs(stack, made.id)).toBe('charged');
    expect(deletesOf(made.job.id)).toBe(0);
    expect((await content(made)).status).toBe(200);
  });

  // MR-20
  it('whose proof can’t be recorded at once releases when the database is back, and is not sent again', async () => {
    const made = await making();
    away.set(made.id, 2);
    await cancel(made);
    expect(await settledAs(stack, made.id)).toBe('cancelled');
    expect(deletesOf(made.job.id)).toBe(1);
  });
});

// MR-9
describe.concurrent('a cancel whose answer proves nothing', () => {
  it.each(['reply lost', 'elsewhere'] as const)(
    '(%s) is not sent again; the hold waits for its end',
    async (accident) => {
      const made = await making();
      server.accidents.set(made.job.id, accident);
      await cancel(made);
      await untilRow(stack, made.id, 'g.cancel_sent_at IS NOT NULL');
      server.jobs.delete(made.job.id);
      expect(await settledAs(stack, made.id)).toBe('generation_timeout');
      expect(deletesOf(made.job.id)).toBe(1);
      expect(await eventsOf(stack, made.id, 'cancel_unclear')).toHaveLength(1);
    },
  );

  it('before the video completes: it is archived, then charged', async () => {
    const made = await making();
    server.accidents.set(made.job.id, 'busy');
    await cancel(made);
    await untilRow(stack, made.id, 'g.cancel_sent_at IS NOT NULL');
    server.finish(made.job);
    expect(await settledAs(stack, made.id)).toBe('charged');
    const { rows } = await stack.database.pool.query<{ kind: string }>(
      "SELECT kind FROM generation_events WHERE generation_id = $1 AND kind IN ('archived', 'charged') ORDER BY sequence",
      [made.id],
    );
    expect(rows.map(({ kind }) => kind)).toEqual(['archived', 'charged']);
    expect((await content(made)).status).toBe(200);
  });

  it('before the video completes without content: it is released, whatever it said', async () => {
    const made = await making();
    server.accidents.set(made.job.id, 'busy');
    await cancel(made);
    await untilRow(stack, made.id, 'g.cancel_sent_at IS NOT NULL');
    server.finish(made.job);
    made.job.hasFile = false;
    // The hold's 20 s, and the tries of the last copy.
    expect(await untilSettled(stack, [made.id], 80_000)).toMatchObject([{ code: 'generation_timeout' }]);
    expect((await content(made)).status).toBeGreaterThanOrEqual(400);
  });
});

// MR-27. One after the other, for a run acts on the generations of all; beside those that wait for the end of their hold.
describe.concurrent('the reconciler finishes what a workflow did not', () => {
  it('before the cancel was sent: the next run sends it', { concurrent: false }, async () => {
    const made = await making();
    await terminate(stack, made.id);
    await cancel(made);
    expect(actsOn(await reconcile(stack), made.id)).toEqual([['resume', 'resumed']]);
    expect(await settledAs(stack, made.id)).toBe('cancelled');
    expect(deletesOf(made.job.id)).toBe(1);
  });

  it.each([
    ['that completed and can be copied', true, 'captured', 'charged'],
    ['that completed without content', false, 'released: expired', 'generation_timeout'],
  ])(
    'past the hold’s end, a video %s after its cancel was sent',
    { concurrent: false },
    async (_what, hasFile, outcome, code) => {
      const made = await making();
      server.accidents.set(made.job.id, 'busy');
      await cancel(made);
      await untilRow(stack, made.id, 'g.cancel_sent_at IS NOT NULL');
      await terminate(stack, made.id);
      server.finish(made.job);
      made.job.hasFile = hasFile;
      await bendHold(stack, made.id, -1);
      expect(actsOn(await reconcile(stack), made.id)).toEqual([['settle', outcome]]);
      expect(await settledAs(stack, made.id)).toBe(code);
    },
  );

  it('past the hold’s end, work that was ended and not yet released', { concurrent: false }, async () => {
    const made = await making();
    away.set(made.id, 1000);
    await cancel(made);
    await untilRow(stack, made.id, 'g.cancel_sent_at IS NOT NULL');
    await terminate(stack, made.id);
    await stack.database.ledger.recordCancelEnded(made.id, made.job.id);
    await bendHold(stack, made.id, -1);
    expect(actsOn(await reconcile(stack), made.id)).toEqual([['settle', 'released: cancelled']]);
    expect(await untilSettled(stack, [made.id])).toMatchObject([{ state: 'released', code: 'cancelled' }]);
  });
});

// MR-9
describe('a cancel while the video is made, of a provider whose settings change,', () => {
  it('is not sent where the settings do not allow it, and is sent once they do', async () => {
    const made = await making();
    allowed = false;
    const looks = async () => (await eventsOf(stack, made.id, 'cancel_sent')).length;
    await cancel(made);
    await vi.waitFor(
      async () => {
        const { rows } = await stack.database.pool.query<{ seen: boolean }>(
          'SELECT last_look_at > cancel_requested_at AS seen FROM generations WHERE id = $1',
          [made.id],
        );
        expect(rows).toEqual([{ seen: true }]);
      },
      { timeout: 15_000, interval: 100 },
    );
    expect([await looks(), deletesOf(made.job.id)]).toEqual([0, 0]);
    allowed = true;
    expect(await settledAs(stack, made.id)).toBe('cancelled');
  });
});

it('every cancel whose answer proves nothing was told to the operators once', async () => {
  const { rows } = await stack.database.pool.query("SELECT FROM generation_events WHERE kind = 'cancel_unclear'");
  expect(rows.length).toBeGreaterThan(0);
  expect(stack.alarms.filter((alarm) => alarm === 'cancel_unclear')).toHaveLength(rows.length);
});
