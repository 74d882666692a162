import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import {
  ask,
  expectNoDrift,
  forEachOf,
  movementsOf,
  providerVideos,
  standings,
} from '../harness/support/generations.ts';
import { bendHold, reconcile } from '../harness/support/reconciling.ts';
import type { TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** Temporal's whole database is deleted while holds are open: PostgreSQL alone knows what was promised. */

const GRANTED = 100_000_000;
let stack: TestStack;
beforeAll(async () => {
  stack = await startStack({ videoSeconds: 0.5, keepTemporalOnDisk: true, startTimeoutMs: 20_000 });
});
afterAll(async () => {
  await stack.stop();
});

const KINDS: readonly [string, string][] = [
  ['at work [[after:15s]]', 'charged'],
  ['bound to fail [[after:15s]][[fail:moderation_blocked]]', 'moderation_blocked'],
  ['without a reply [[create:lost-reply]][[after:15s]]', 'charged'],
  ['taken late [[create:429*3]]', 'charged'],
  ['never done [[never]]', 'generation_timeout'],
];

// MR-27
it('50 open holds are all settled rightly after Temporal’s database file was deleted', async () => {
  const account = await openAccount(stack, GRANTED);
  const asked = Array.from({ length: 50 }, (_, n) => KINDS[n % KINDS.length] as [string, string]);
  const ids = await forEachOf(asked, 5, ([prompt]) => ask(account, `${prompt} ${randomUUID()}`));
  await stack.loseTemporal();
  const open = (await standings(stack, ids)).filter(({ state }) => state === 'held').length;
  expect(open).toBeGreaterThan(30);

  // Before any of their workflows runs again: the holds of videos that never end are over.
  for (const [index, id] of ids.entries())
    if (asked[index]?.[1] === 'generation_timeout') await bendHold(stack, id, -1);
  // The API's connection to Temporal broke with the old server.
  await vi.waitFor(async () => expect((await fetch(`${stack.url}/readyz`)).status).toBe(200), { timeout: 20_000 });
  const report = await reconcile(stack);
  expect(report.acts_made).toBeGreaterThanOrEqual(open);
  await vi.waitFor(
    async () => {
      const left = (await standings(stack, ids)).filter(({ state }) => state === 'held');
      if (left.length === 0) return;
      await reconcile(stack);
      throw new Error(`${left.length} are open, as ${JSON.stringify(left[0])}`);
    },
    { timeout: 100_000, interval: 1000 },
  );
  const settled = await standings(stack, ids);
  expect(settled.map(({ state, code }) => code ?? state)).toEqual(asked.map(([, outcome]) => outcome));
  for (const id of ids) expect(await movementsOf(stack, id)).toHaveLength(2);
  const charged = settled.filter(({ state }) => state === 'charged');
  expect(await account.credits()).toEqual(
    expect.objectContaining({ available_microcredits: GRANTED - charged.length * 571_429, held_microcredits: 0 }),
  );
  // Nothing was made twice; a video that never ends may not have been made before its hold's end.
  const made = (await providerVideos(stack)).map(({ prompt }) => prompt);
  expect(new Set(made).size).toBe(made.length);
  expect(made.length).toBeGreaterThanOrEqual(asked.filter(([, outcome]) => outcome !== 'generation_timeout').length);
  await expectNoDrift(stack);
}, 150_000);
