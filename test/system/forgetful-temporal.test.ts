import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { keepRegistered } from '../../temporal/registration.ts';
import { ensureReconcileSchedule } from '../../temporal/schedule.ts';
import { ask, expectNoDrift, forEachOf, movementsOf, standings } from '../harness/support/generations.ts';
import type { TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** Temporal's database is replaced by an empty one while workers run: they make themselves known again, and nobody is called. */

const RECONCILE_INTERVAL_MS = 1000;
let stack: TestStack;
const stopping = new AbortController();
beforeAll(async () => {
  stack = await startStack({ videoSeconds: 0.5, keepTemporalOnDisk: true, startTimeoutMs: 5000 });
  await ensureReconcileSchedule(stack.temporal, RECONCILE_INTERVAL_MS);
  keepRegistered(stack.temporal, {
    reconcileIntervalMs: RECONCILE_INTERVAL_MS,
    sweptProviders: [],
    stopping: stopping.signal,
    onSilent: () => undefined,
    onStranded: () => undefined,
    onError: () => undefined,
  });
});
afterAll(async () => {
  stopping.abort();
  await stack.stop();
});

it('open holds are settled and new videos begin, without a restart of anything', async () => {
  const account = await openAccount(stack, 100_000_000);
  const ids = await forEachOf([1, 2, 3, 4, 5], 5, () => ask(account, `at work [[after:8s]] ${randomUUID()}`));
  await stack.replaceTemporal();
  await vi.waitFor(
    async () => {
      const answer = await account.fetch('/v1/videos', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ prompt: `begun afterwards ${randomUUID()}` }),
      });
      expect(answer.status).toBe(200);
      ids.push(((await answer.json()) as { id: string }).id);
    },
    { timeout: 90_000, interval: 1000 },
  );
  await vi.waitFor(
    async () => expect((await standings(stack, ids)).map(({ state }) => state)).toEqual(ids.map(() => 'charged')),
    { timeout: 90_000, interval: 1000 },
  );
  for (const id of ids) expect(await movementsOf(stack, id)).toHaveLength(2);
  await expectNoDrift(stack);
}, 200_000);
