import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ask, eventsOf, expectNoDrift, movementsOf, untilRow, untilSettled } from '../harness/support/generations.ts';
import { createProviders } from '../../provider/index.ts';
import { type ConnectProxy, startConnectProxy } from '../harness/support/connectProxy.ts';
import type { TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** A fault of our own for longer than a hold lasts, with real parts; the rest is in workflow/own-faults. */

let proxy: ConnectProxy;
let stack: TestStack;
beforeAll(async () => {
  proxy = await startConnectProxy();
  stack = await startStack({
    videoSeconds: 0.5,
    holdTtlSeconds: 10,
    providers: (url) => createProviders([{ name: 'openai', baseUrl: `${url}/v1`, apiKey: 'key', proxyUrl: proxy.url }]),
  });
});
afterAll(async () => {
  await expectNoDrift(stack);
  await stack.stop();
  proxy.close();
});

async function without(right: string, body: () => Promise<void>): Promise<void> {
  await stack.database.admin.query(`REVOKE EXECUTE ON FUNCTION ${right} FROM holdfast_service`);
  try {
    await body();
  } finally {
    await stack.database.admin.query(`GRANT EXECUTE ON FUNCTION ${right} TO holdfast_service`);
  }
}

const timelineOf = async (account: Awaited<ReturnType<typeof openAccount>>, id: string) =>
  ((await (await account.fetch(`/v1/videos/${id}/timeline`)).json()) as { data: { type: string }[] }).data.map(
    ({ type }) => type,
  );

describe('a privilege that our role lacks until long after the end of a hold', { timeout: 120_000 }, () => {
  it('keeps the credits reserved, alerts, and the completed video is charged once it is granted again', async () => {
    const account = await openAccount(stack, 1_000_000);
    let id = '';
    await without('record_look', async () => {
      id = await ask(account, 'completed, and nobody can write it down');
      await vi.waitFor(() => expect(stack.alarms).toContain('hold_overdue'), { timeout: 60_000, interval: 100 });
      await untilRow(
        stack,
        id,
        "g.state = 'held' AND (SELECT h.expires_at < now() FROM holds h WHERE h.generation_id = g.id)",
      );
      expect(await movementsOf(stack, id)).toEqual(['hold']);
      expect(alertsOf(id)).toHaveLength(1);
    });
    expect(await untilSettled(stack, [id])).toMatchObject([{ state: 'charged', code: null }]);
    expect(await movementsOf(stack, id)).toEqual(['hold', 'capture']);
    // The provider answered each time; the fault was ours.
    expect(await timelineOf(account, id)).not.toContain('unreachable');
  });

  it('of which the provider knows nothing bad: only its own silence is told as "not reached"', async () => {
    const account = await openAccount(stack, 1_000_000);
    let id = '';
    await without('record_look', async () => {
      id = await ask(account, 'silent for a moment [[poll:500*2]]');
      await vi.waitFor(async () => expect(await failedLooks(id)).toBeGreaterThan(4), {
        timeout: 30_000,
        interval: 100,
      });
    });
    expect(await untilSettled(stack, [id])).toMatchObject([{ state: 'charged' }]);
    expect(await eventsOf(stack, id, 'unreachable')).toEqual([expect.objectContaining({ tries: 2 })]);
  });

  async function failedLooks(id: string): Promise<number> {
    const { raw } = await stack.env.client.workflow.getHandle(id).describe();
    return raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'retrieveVideo')?.attempt ?? 0;
  }
});

it('a proxy of ours that refuses across the end of a hold says nothing about the video: it is charged once the proxy is mended', async () => {
  const account = await openAccount(stack, 1_000_000);
  const id = await ask(account, 'completed, and our proxy turns us away');
  await untilRow(stack, id, 'g.provider_video_id IS NOT NULL');
  proxy.answerWith(407);
  try {
    await vi.waitFor(() => expect(alertsOf(id)).toHaveLength(1), { timeout: 60_000, interval: 100 });
    expect(alertsOf(id)[0]).toContain('the proxy of PROVIDER_PROXY_URL answers 407');
    expect(await movementsOf(stack, id)).toEqual(['hold']);
  } finally {
    proxy.answerWith(200);
  }
  expect(await untilSettled(stack, [id])).toMatchObject([{ state: 'charged', code: null }]);
  expect(await movementsOf(stack, id)).toEqual(['hold', 'capture']);
  // The provider was not asked.
  expect(await timelineOf(account, id)).not.toContain('unreachable');
}, 120_000);

const alertsOf = (id: string) => stack.logged.filter((line) => line.includes('ALERT') && line.includes(id));
