import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { freePort } from '../../dev/ports.ts';
import { Link } from '../harness/chaos/link.ts';
import { expectNoDrift, movementsOf } from '../harness/support/generations.ts';
import type { TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** Temporal says nothing for longer than a heartbeat may be missing, while a text is written. */

let stack: TestStack;
let link: Link;
beforeAll(async () => {
  stack = await startStack({
    workersReach: async (address) => {
      link = await Link.open(await freePort(), Number(address.split(':')[1]));
      return `127.0.0.1:${link.port}`;
    },
  });
});
afterAll(async () => {
  await stack.stop();
  link.close();
});

const tries = async (id: string) => {
  const { pendingActivities } = (await stack.temporal.workflow.getHandle(id).describe()).raw;
  return pendingActivities?.find(({ activityType }) => activityType?.name === 'writeText')?.attempt ?? 0;
};

it('the text is whole, written once, and charged once', { timeout: 90_000 }, async () => {
  const account = await openAccount(stack, 1_000_000);
  const before = (await account.credits()).available_microcredits;
  const answering = account.fetch('/v1/scripts', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ topic: 'a patient fox [[chat:slow:25s]]' }),
  });
  const asked = () =>
    stack.database.admin.query<{ id: string }>('SELECT generation_id AS id FROM provider_attempts WHERE lease_ms > 0');
  const id = await vi.waitFor(async () => (await asked()).rows[0]?.id ?? expect.fail('not asked yet'), 10_000);
  await link.set('held');
  await vi.waitFor(async () => expect(await tries(id)).toBe(2), { timeout: 20_000, interval: 250 });
  await link.set('open');
  const answer = await answering;
  expect(answer.status).toBe(200);
  const text = (await answer.json()) as { status: string; usage: object; credits: { amount_microcredits: number } };
  expect(text).toMatchObject({ status: 'completed', usage: { output_tokens: expect.any(Number) as number } });
  expect(before - (await account.credits()).available_microcredits).toBe(text.credits.amount_microcredits);
  expect((await asked()).rowCount).toBe(1);
  expect(await movementsOf(stack, id)).toEqual(['hold', 'capture']);
  await expectNoDrift(stack);
});
