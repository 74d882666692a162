import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { admit, openTenant } from '../harness/support/database.ts';
import { ask, expectNoDrift, forEachOf, untilSettled } from '../harness/support/generations.ts';
import type { Receiver } from '../harness/support/receiver.ts';
import { startReceiver } from '../harness/support/receiver.ts';
import type { TestStack } from '../harness/support/stack.ts';
import { ADMIN_KEY, openAccount, startStack } from '../harness/support/stack.ts';
import { startGeneration } from '../harness/support/temporal.ts';
import { makeEndpoint } from '../harness/support/webhooks.ts';

/** A hundred copies of one account that take their time leave room for another's webhook, and for its copy. */

const SLOW = 102;
const GRANTED = 1_000_000_000;
/** A copy that hangs takes its place for so long; whoever waits for one waits about as long. */
const HANGS = '25s';
const LONGEST_WAIT_MS = 5000;

let stack: TestStack;
let receiver: Receiver;
beforeAll(async () => {
  [stack, receiver] = await Promise.all([startStack(), startReceiver()]);
});
afterAll(async () => {
  await Promise.all([stack.stop(), receiver.close()]);
});

const archived = async (id: string) => (await stack.archive.kept(`${id}/video`)) > 0;

it("another tenant's webhook and copy come at once, and the doctor sees a worker", { timeout: 120_000 }, async () => {
  const slow = await openTenant(stack.database, GRANTED);
  const quick = await openAccount(stack, GRANTED);
  await makeEndpoint(quick, receiver);
  const ids = await forEachOf(
    Array.from({ length: SLOW }, (_, n) => n),
    20,
    async (n) => {
      const id = await admit(stack.database, slow, `number ${n} [[content:slow:${HANGS}]]`);
      await startGeneration(stack.env, id, slow.accountId);
      return id;
    },
  );
  await untilSettled(stack, ids, 90_000);

  const id = await ask(quick, 'a quick one');
  await untilSettled(stack, [id]);
  const settledAtMs = performance.now();
  await receiver.until(1);
  const webhookMs = performance.now() - settledAtMs;
  await vi.waitFor(async () => expect(await archived(id)).toBe(true), { timeout: 20_000 });
  const copyMs = performance.now() - settledAtMs;
  console.info(`with ${SLOW} slow copies: webhook after ${Math.round(webhookMs)} ms, copy ${Math.round(copyMs)} ms`);
  expect(webhookMs).toBeLessThan(LONGEST_WAIT_MS);
  expect(copyMs).toBeLessThan(LONGEST_WAIT_MS);
  expect((await Promise.all(ids.map(archived))).filter(Boolean).length).toBeLessThan(SLOW);

  const doctor = await fetch(`${stack.url}/admin/doctor`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
  expect(await doctor.text()).toContain('polls holdfast-outbound');
  await expectNoDrift(stack);
});
