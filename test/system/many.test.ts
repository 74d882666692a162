import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PRICE } from '../harness/support/database.ts';
import {
  ask,
  expectNoDrift,
  forEachOf,
  movementsOf,
  providerStats,
  untilSettled,
} from '../harness/support/generations.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

// For a machine that is busy with other things; alone it takes a third of it.
vi.setConfig({ testTimeout: 90_000 });

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(async () => {
  await stack.stop();
});

const MANY = 200;
/** As many clients ask at a time. The first look at a video comes 10 s after its create, so all are open at once. */
const CLIENTS = 20;
const GRANTED = 200_000_000;

interface Order {
  readonly tenant: TestAccount;
  readonly prompt: string;
  readonly code: string | null;
}

/** Of each ten: one fails, one is blocked, one loses its reply, one is polled through errors; all others are plain. */
function order(tenants: readonly TestAccount[], index: number): Order {
  const tenant = tenants[index % tenants.length] as TestAccount;
  switch (index % 10) {
    case 1:
      return { tenant, prompt: `number ${index} [[fail:x]]`, code: 'x' };
    case 4:
      return { tenant, prompt: `number ${index}, an ad for iqus e cigerrates`, code: 'moderation_blocked' };
    case 6:
      return { tenant, prompt: `number ${index} [[create:lost-reply]]`, code: null };
    case 9:
      return { tenant, prompt: `number ${index} [[poll:reset*1]][[poll:503*1]][[poll:404*1]]`, code: null };
    default:
      return { tenant, prompt: `number ${index}`, code: null };
  }
}

describe(`${MANY} generations at once`, () => {
  it('settle once each by their outcome, with one attempt each, and balance = grants − charges', async () => {
    const tenants = await Promise.all([openAccount(stack, GRANTED), openAccount(stack, GRANTED)]);
    const orders = Array.from({ length: MANY }, (_, index) => order(tenants, index));
    const begin = performance.now();
    const ids = await forEachOf(orders, CLIENTS, ({ tenant, prompt }) => ask(tenant, prompt));
    const heldAfterMs = performance.now() - begin;
    const settled = await untilSettled(stack, ids);
    const settledAfterMs = performance.now() - begin;
    console.info(`${MANY} held after ${seconds(heldAfterMs)} s, settled after ${seconds(settledAfterMs)} s`);

    expect(settled).toMatchObject(
      orders.map(({ code }) =>
        code === null ? { state: 'charged', charged: PRICE, code } : { state: 'released', charged: null, code },
      ),
    );
    const movements = await forEachOf(ids, 10, (id) => movementsOf(stack, id));
    expect(movements).toEqual(orders.map(({ code }) => ['hold', code === null ? 'capture' : 'release']));
    expect(await providerStats(stack)).toMatchObject({ creates: MANY, videos: MANY });
    for (const tenant of tenants) {
      const charged = orders.filter((each) => each.tenant === tenant && each.code === null).length;
      const left = { available_microcredits: GRANTED - charged * PRICE, held_microcredits: 0 };
      expect(await tenant.credits()).toMatchObject(left);
    }
    expect(stack.alarms).toEqual([]);
    await expectNoDrift(stack);
  });
});

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
