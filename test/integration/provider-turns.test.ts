import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ActivityFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createProviderActivities } from '../../activities/providerActivities.ts';
import { type ActivityDependencies, takeTurnOfActivity } from '../../activities/index.ts';
import { checkProvider } from '../../api/admin/doctor/providerChecks.ts';
import { PROVIDER_BUSY, URGENT } from '../../contracts/activities.ts';
import { createProbe, createProviders, NoTurn, takeTurnOrNone } from '../../provider/index.ts';
import type { Ledger } from '../../ledger/index.ts';
import { createPool, createStore, openDatabase } from '../../store/index.ts';
import { LAST_TRIES } from '../../workflows/activities.ts';
import { faultInWords, whoseFault } from '../../workflows/whoseFault.ts';
import type { TestDatabase } from '../harness/support/database.ts';
import { createTestDatabase } from '../harness/support/database.ts';
import { ask, expectNoDrift, standings, untilSettled } from '../harness/support/generations.ts';
import { ledgerSteps } from '../harness/support/ledgerSteps.ts';
import { openAccount, startStack, type TestStack } from '../harness/support/stack.ts';
import { closeServers, json, serve } from '../unit/provider-server.ts';

/** Whoever calls a provider with `requests_per_minute` takes a turn first, and what finds none is not sent (MR-100). */

const PER_MINUTE = 60;
const BURST = 6;
const STEP_MS = 60_000 / (PER_MINUTE - BURST + 1);

/** The provider of these dependencies, with a limit. */
const limited = (baseUrl: string, deps: Parameters<typeof takeTurnOfActivity>[0]) =>
  createProviders([{ name: 'gpu', baseUrl, apiKey: 'key', requestsPerMinute: PER_MINUTE }], {
    takeTurn: takeTurnOfActivity(deps),
  });

describe('a call without a turn', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createTestDatabase();
  });
  afterAll(async () => {
    await closeServers();
    await db.drop();
  });
  const { held } = ledgerSteps(() => db);

  /** A server, and a generation that is made there; `useUp` takes all its turns. */
  async function site() {
    const { baseUrl, requests } = await serve(json(200, { object: 'list', data: [], has_more: false }));
    const alarms: string[] = [];
    const count = (alarm: string) => alarms.push(alarm);
    const providers = limited(baseUrl, { store: db.ledger, count });
    const [{ identity }] = providers.all;
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const rest = { lookForCreateMs: 0, textLeaseMs: 1000, count, log };
    const activities = createProviderActivities({ store: db.ledger, providers, ...rest });
    const { id } = await held();
    const wanted = { provider: identity, requestsPerMinute: PER_MINUTE, urgency: 'urgent', waiter: null } as const;
    const useUp = async () => {
      while ((await db.ledger.takeTurn(wanted)).waitMs === 0);
    };
    return { baseUrl, requests, alarms, providers, identity, activities, id, useUp };
  }

  const failureOf = async (run: Promise<unknown>): Promise<unknown> =>
    run.then(
      () => expect.fail('it did not fail'),
      (error: unknown) => error,
    );

  it('is not sent: a create is no attempt, and Temporal brings it again when its turn comes', async () => {
    const { requests, alarms, activities, id, useUp } = await site();
    await useUp();
    const failure = await failureOf(
      new MockActivityEnvironment().run(activities.submitVideo, { generationId: id, leastTimeLeftMs: 0 }),
    );
    expect(failure).toMatchObject({ type: PROVIDER_BUSY, nonRetryable: false });
    expect((failure as { nextRetryDelay: number }).nextRetryDelay).toBeGreaterThanOrEqual(1000);
    expect([requests, alarms]).toEqual([[], ['provider_busy']]);
    const { rowCount } = await db.admin.query('SELECT FROM provider_attempts WHERE generation_id = $1', [id]);
    expect(rowCount).toBe(0);
  });

  it('is a fault of ours when it is a look: no hold ends by it; a last look goes before those that wait', async () => {
    const { requests, providers, identity, activities, id, useUp } = await site();
    expect(await db.ledger.beginAttempt(id, providers.all)).toMatchObject({ outcome: 'begun', provider: identity });
    await db.ledger.endAttempt(id, 1, { outcome: 'created', providerVideoId: 'video_1', providerCreatedAt: null });
    await useUp();
    const input = { generationId: id, providerVideoId: 'video_1' };
    const failure = await failureOf(new MockActivityEnvironment().run(activities.retrieveVideo, input));
    const cause = failure as Error;
    const failed = new ActivityFailure('failed', 'retrieveVideo', '1', 'MAXIMUM_ATTEMPTS_REACHED', undefined, cause);
    expect(whoseFault(failed)).toBe('ours');
    expect(faultInWords(failed)).toBe('The provider gpu gets as many requests a minute as it may');
    expect(requests).toEqual([]);
    await db.admin.query(`UPDATE provider_paces SET whole_at = whole_at - interval '1.1 seconds'`);
    const another = new MockActivityEnvironment({ activityId: 'another' });
    expect(await failureOf(another.run(activities.retrieveVideo, input))).toMatchObject({ type: PROVIDER_BUSY });
    const last = new MockActivityEnvironment({ activityId: 'last', priority: { priorityKey: URGENT } });
    await failureOf(last.run(activities.retrieveVideo, input));
    expect(requests.map(({ url }) => url)).toEqual(['/v1/videos/video_1']);
  });

  it('that is the rest of a list waits for its turn, for the list would begin again', async () => {
    const { requests, providers, useUp } = await site();
    await useUp();
    await db.admin.query(`UPDATE provider_paces SET whole_at = whole_at - interval '1.1 seconds'`);
    const [provider] = providers.all;
    const beganMs = performance.now();
    await new MockActivityEnvironment().run(async () => {
      await provider.listVideos();
      await provider.listVideos({ after: 'video_1' });
    });
    expect(requests).toHaveLength(2);
    expect(performance.now() - beganMs).toBeGreaterThan(500);
  });

  it('that is a page of the sweep is made only when nobody waits, and takes no place in the line', async () => {
    const { requests, providers, useUp } = await site();
    await db.admin.query('DELETE FROM provider_waits');
    await useUp();
    const [provider] = providers.all;
    const look = () => new MockActivityEnvironment().run(() => provider.retrieveVideo('video_1'));
    const sweep = () => new MockActivityEnvironment().run(() => provider.listVideos({ isOfSweep: true }));
    expect(await failureOf(look())).toMatchObject({ type: PROVIDER_BUSY });
    await db.admin.query(`UPDATE provider_paces SET whole_at = whole_at - interval '1.1 seconds'`);
    expect(await failureOf(sweep())).toMatchObject({ type: PROVIDER_BUSY });
    expect((await db.admin.query('SELECT FROM provider_waits')).rowCount).toBe(1);
    await look();
    await db.admin.query(`UPDATE provider_paces SET whole_at = whole_at - interval '1.1 seconds'`);
    await sweep();
    expect(requests.map(({ url }) => url?.split('?')[0])).toEqual(['/v1/videos/video_1', '/v1/videos']);
  });

  it('of the API is not sent, nor is a probe, and the doctor tells who waits', async () => {
    const { baseUrl, requests, useUp } = await site();
    await useUp();
    const settings = { name: 'gpu', baseUrl, apiKey: 'key', requestsPerMinute: PER_MINUTE };
    const takeTurn = takeTurnOrNone(db.ledger.takeTurn);
    const [provider] = createProviders([settings], { takeTurn }).all;
    expect(await createProbe({ ...settings, takeTurn })()).toBeNull();
    await expect(provider.downloadContent('video_1')).rejects.toThrow(NoTurn);
    const { ok, message } = await checkProvider(provider);
    expect(ok).toBe(true);
    expect(message).toMatch(/was not asked: .*requests_per_minute\), and 0 calls wait/);
    expect(requests).toEqual([]);
  });

  it('while the database is away is not sent either, whatever it is', async () => {
    const { baseUrl, requests } = await site();
    const gone = createPool({ databaseUrl: db.url, size: 1, applicationName: 'test', onError: () => undefined });
    await gone.end();
    const store = createStore(openDatabase(gone));
    const [provider] = limited(baseUrl, { store, count: () => undefined }).all;
    const calls = [
      () => provider.retrieveVideo('video_1'),
      () => provider.listVideos(),
      () => provider.listVideos({ after: 'video_1' }),
      () => provider.downloadContent('video_1'),
      () => provider.deleteVideo('video_1'),
      () => provider.askModels(),
    ];
    for (const call of calls) await failureOf(new MockActivityEnvironment().run(call));
    expect(requests).toEqual([]);
  });

  it('can’t be made by a client that takes no turns', () => {
    const settings = { name: 'gpu', baseUrl: 'http://gpu/v1', apiKey: 'key', requestsPerMinute: PER_MINUTE };
    expect(() => createProviders([settings])).toThrow('nobody keeps the requests a minute of the provider gpu');
  });
});

describe('the whole product at a provider that may get sixty requests a minute', () => {
  let stack: TestStack;
  const calledAtMs: number[] = [];
  let holdSeconds = 3600;

  /** In front of the simulator: keeps when each request came. */
  async function timed(simulatorUrl: string) {
    const server = createServer((received, response) => {
      calledAtMs.push(performance.now());
      const { method, headers, url } = received;
      const sent = request(`${simulatorUrl}${url}`, { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      received.pipe(sent);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}`, close: async () => void server.close() };
  }

  beforeAll(async () => {
    stack = await startStack({
      videoSeconds: 0.3,
      providerBehind: timed,
      wrapped: (deps: ActivityDependencies) => {
        const { placeHold } = deps.ledger;
        const ledger = { ...deps.ledger, placeHold: forSeconds(placeHold) };
        return { ...deps, ledger, hasty: { ...deps.hasty, ledger }, providers: withLimit(deps) };
      },
    });
  });
  afterAll(async () => {
    await expectNoDrift(stack);
    await stack.stop();
  });
  const forSeconds =
    (placeHold: Ledger['placeHold']): Ledger['placeHold'] =>
    (id, _, ...rest) =>
      placeHold(id, holdSeconds, ...rest);
  const withLimit = (deps: ActivityDependencies) => {
    const [{ name, baseUrl }] = deps.providers.all;
    const settings = { name, baseUrl, apiKey: 'key', requestsPerMinute: PER_MINUTE };
    return createProviders([settings], { takeTurn: takeTurnOfActivity(deps) });
  };

  it('makes videos, and never calls more often, in whatever time', { timeout: 90_000 }, async () => {
    const account = await openAccount(stack, 100_000_000);
    const ids = await Promise.all(['one', 'two', 'three', 'four', 'five', 'six'].map((prompt) => ask(account, prompt)));
    for (const { state } of await untilSettled(stack, ids)) expect(state).toBe('charged');
    await expect.poll(() => stack.alarms, { timeout: 30_000 }).toContain('provider_busy');
    for (const [first, since] of calledAtMs.entries())
      for (const [last, until] of calledAtMs.entries()) {
        // Three seconds for the way from the turn to the server, on a machine that stands still now and then.
        const most = BURST + Math.ceil((until - since + 3000) / STEP_MS);
        if (last >= first) expect(last - first + 1).toBeLessThanOrEqual(most);
      }
    for (const id of ids) {
      const { events } = await stack.temporal.workflow.getHandle(id).fetchHistory();
      expect(events?.length).toBeLessThan(120);
    }
  });

  it('keeps a hold past its end until its last look has had a turn', { timeout: 180_000 }, async () => {
    const account = await openAccount(stack, 100_000_000);
    holdSeconds = 15;
    const id = await ask(account, '[[never]] a fox');
    const stateOf = async () => (await standings(stack, [id]))[0]?.state;
    await vi.waitFor(
      async () => expect((await stack.database.ledger.getProviderVideo(id)).videoId).not.toBeNull(),
      30_000,
    );
    // Others are ahead of everybody.
    await stack.database.admin.query(
      `INSERT INTO provider_waits SELECT provider, 'ahead ' || n, now() - interval '3 hours', now() + interval '1 hour'
        FROM provider_paces, generate_series(1, 8) AS n`,
    );
    const refusedAfterTheEnd = async () => {
      const { rows } = await stack.database.admin.query<{ over: boolean }>(
        `SELECT h.expires_at < now() AND w.rank_at < now() AS over FROM holds h, provider_waits w
          WHERE h.generation_id = $1 AND w.waiter LIKE $1 || ' %' AND w.rank_at < h.expires_at - interval '30 minutes'`,
        [id],
      );
      expect(rows.some(({ over }) => over)).toBe(true);
    };
    await vi.waitFor(refusedAfterTheEnd, { timeout: 60_000, interval: 200 });
    // More than a last look has tries.
    const refused = () => stack.alarms.filter((alarm) => alarm === 'provider_busy').length;
    const before = refused();
    await expect.poll(refused, { timeout: 60_000 }).toBeGreaterThan(before + LAST_TRIES);
    expect(await stateOf()).toBe('held');
    await stack.database.admin.query("DELETE FROM provider_waits WHERE waiter LIKE 'ahead %'");
    await untilSettled(stack, [id]);
    expect(await stateOf()).toBe('released');
  });
});
