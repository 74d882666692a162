import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask, untilSettled } from '../harness/support/generations.ts';
import type { TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** How soon an event of the provider settles a generation, with the machine to itself. */

const VIDEOS = 11;
let stack: TestStack;
beforeAll(async () => {
  stack = await startStack({ videoSeconds: 1, expectedMs: null, webhookSecret: 'whsec_dGhlIHNlY3JldA==' });
});
afterAll(async () => {
  await stack.stop();
});

it(
  'an event of the provider settles its generation within a second: the median of eleven',
  { timeout: 90_000 },
  async () => {
    const account = await openAccount(stack, 100_000_000);
    const ids: string[] = [];
    for (let n = 0; n < VIDEOS; n += 1) {
      const id = await ask(account, `number ${n}`);
      await untilSettled(stack, [id]);
      ids.push(id);
    }
    const { rows } = await stack.database.admin.query<{ ms: number }>(
      `SELECT extract(epoch FROM g.settled_at - e.received_at)::float8 * 1000 AS ms
     FROM generations g JOIN provider_events e USING (provider_video_id) WHERE g.id = ANY($1) ORDER BY ms`,
      [ids],
    );
    expect(rows).toHaveLength(VIDEOS);
    console.info(`from the event to the settlement: ${rows.map(({ ms }) => Math.round(ms)).join(', ')} ms`);
    expect(rows[Math.floor(VIDEOS / 2)]?.ms).toBeLessThan(1000);
  },
);
