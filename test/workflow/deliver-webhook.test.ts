import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TASK_QUEUE } from '../../contracts/temporal.ts';
import type { DeliverWebhookInput, Sent, WebhookOutboundActivities } from '../../contracts/webhooks.ts';
import { DELIVER_WEBHOOK, deliveryWorkflowId, SEND_NOW } from '../../contracts/webhooks.ts';
import { COMPLETED, fakeWorld, held, HOUR_MS } from '../harness/support/fakes.ts';
import type { Stage } from '../harness/support/temporal.ts';
import { createTimeSkipping, durationMs, historyLength, openStage, startWorkers } from '../harness/support/temporal.ts';

/** The day of tries, on a clock that jumps. */

const FAILED: Sent = { outcome: 'failed', why: 'answered HTTP 500' };
const SCHEDULE_S = [5, 30, 120, 600, 1800, 3600, 7200, 14_400, 25_200, 32_400];

interface Try {
  readonly atMs: number;
  readonly retryInMs: number | null;
}

describe('deliverWebhook', () => {
  type Environment = Awaited<ReturnType<typeof createTimeSkipping>>;
  type Answer = (nth: number, handle: WorkflowHandle) => Sent | 'busy' | Promise<Sent>;
  const answers = new Map<string, Answer>();
  const tries = new Map<string, Try[]>();
  let env: Environment;
  let stop: () => Promise<void>;
  beforeAll(async () => {
    env = await createTimeSkipping();
    type Input = Parameters<WebhookOutboundActivities['sendWebhook']>[0];
    const sendWebhook = async ({ retryInMs, ...delivery }: Input) => {
      const { eventId } = delivery;
      const made = tries.get(eventId) ?? [];
      tries.set(eventId, [...made, { atMs: await env.currentTimeMs(), retryInMs }]);
      const handle = env.client.workflow.getHandle(deliveryWorkflowId(delivery));
      const answer = (await answers.get(eventId)?.(made.length + 1, handle)) ?? FAILED;
      if (answer === 'busy') throw new Error('no place');
      return answer;
    };
    // A worker wants one activity at least.
    const ledger = { listOverdueWebhooks: async () => [] };
    const provider = { deleteUnclaimed: async () => false };
    stop = await startWorkers(env, { ledger, provider, outbound: { sendWebhook } });
  });
  afterAll(async () => {
    await stop();
    await env.teardown();
  });

  async function deliver(
    answer: Answer,
    {
      triesBefore = 0,
      meanwhile,
    }: { triesBefore?: number; meanwhile?: (handle: WorkflowHandle) => Promise<void> } = {},
  ) {
    const eventId = `evt_${randomUUID()}`;
    const ids = { owner: 'acct_00', accountId: 'acct_00', endpointId: 'we_00', eventId };
    const delivery: DeliverWebhookInput = { ...ids, tries: triesBefore };
    answers.set(eventId, answer);
    const handle = await env.client.workflow.start(DELIVER_WEBHOOK, {
      workflowId: deliveryWorkflowId(delivery),
      taskQueue: TASK_QUEUE.workflowsAndLedger,
      args: [delivery],
    });
    await meanwhile?.(handle);
    await handle.result();
    const made = tries.get(eventId) ?? [];
    const gapsS = made.slice(1).map(({ atMs }, nth) => (atMs - (made[nth]?.atMs ?? 0)) / 1000);
    return { made, gapsS, handle };
  }

  it('ends when a try is accepted', async () => {
    const { made } = await deliver(() => ({ outcome: 'delivered' }));
    expect(made).toHaveLength(1);
  });

  it('tries eleven times within 24 hours, at growing intervals, and marks the last try as the last', async () => {
    const { made, gapsS, handle } = await deliver(() => FAILED);
    expect(made.map(({ retryInMs }) => retryInMs)).toEqual([...SCHEDULE_S.map((seconds) => seconds * 1000), null]);
    for (const [nth, seconds] of SCHEDULE_S.entries()) {
      expect(gapsS[nth]).toBeGreaterThanOrEqual(seconds);
      expect(gapsS[nth]).toBeLessThan(seconds + 60);
    }
    const tookMs = await durationMs(handle);
    expect(tookMs).toBeGreaterThan(23 * HOUR_MS);
    expect(tookMs).toBeLessThan(24 * HOUR_MS);
    expect(await historyLength(handle)).toBeLessThan(150);
  });

  it('continues with the try at which a lost run stopped', async () => {
    const { made } = await deliver(() => FAILED, { triesBefore: 8 });
    expect(made.map(({ retryInMs }) => retryInMs)).toEqual([25_200_000, 32_400_000, null]);
  });

  it('ends when nothing more is to be sent', async () => {
    const { made } = await deliver((nth) => (nth < 3 ? FAILED : { outcome: 'over' }));
    expect(made).toHaveLength(3);
  });

  it('retries at once when the delivery is requested again', async () => {
    const { made, gapsS } = await deliver((nth) => (nth < 5 ? FAILED : { outcome: 'delivered' }), {
      meanwhile: async (handle) => {
        // In the ten minutes before the fifth try.
        await env.sleep(200_000);
        await handle.signal(SEND_NOW);
      },
    });
    expect(made).toHaveLength(5);
    expect(gapsS[3]).toBeLessThan(590);
  });

  it('does not count a try while its share of the queue is used up', async () => {
    const { made, handle } = await deliver((nth) => (nth < 6 ? 'busy' : { outcome: 'delivered' }));
    expect(made.map(({ retryInMs }) => retryInMs)).toEqual(Array(6).fill(5000));
    expect(await historyLength(handle)).toBeLessThan(12);
  });

  it('sends again when the delivery is requested during a try', async () => {
    const { made } = await deliver(async (nth, handle) => {
      if (nth === 1) await handle.signal(SEND_NOW);
      return { outcome: 'delivered' };
    });
    expect(made.map(({ retryInMs }) => retryInMs)).toEqual([5000, 5000]);
  });
});

describe('a generation that is settled', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(async () => {
    await stage.close();
  });

  const run = (webhooks: readonly DeliverWebhookInput[]) => {
    const now = () => stage.env.currentTimeMs();
    const placement = held({ providerVideoId: 'pv_1' });
    const world = fakeWorld({ now, placement, look: () => COMPLETED, webhooks });
    return stage.play(world, async (handle) => {
      const result = await handle.result();
      return { world, result, history: await handle.fetchHistory() };
    });
  };

  it('starts a delivery for each subscribed endpoint and ends without waiting for it', async () => {
    const deliveries = ['we_01', 'we_02'].map((endpointId) => ({
      owner: 'acct_00',
      accountId: 'acct_00',
      endpointId,
      eventId: `evt_${randomUUID()}`,
      tries: 0,
    }));
    const { result } = await run(deliveries);
    expect(result.outcome).toBe('captured');
    for (const delivery of deliveries) {
      const handle = stage.env.client.workflow.getHandle(deliveryWorkflowId(delivery));
      expect((await handle.describe()).status.name).toBe('RUNNING');
      await handle.terminate('the test is over');
    }
  });

  it('starts no delivery where there is no endpoint', async () => {
    const { history } = await run([]);
    const children = (history.events ?? []).filter(
      (event) => event.startChildWorkflowExecutionInitiatedEventAttributes,
    );
    expect(children).toEqual([]);
  });
});
