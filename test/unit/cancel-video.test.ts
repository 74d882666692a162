import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, it } from 'vitest';
import { cancelVideo } from '../../activities/cancelVideo.ts';
import type { ProviderDependencies } from '../../activities/dependencies.ts';

/** The order of what the activity does (MR-9), with a provider and a store that only tell of their calls. */

interface World {
  readonly turn?: Error;
  readonly begin?: 'begun' | 'sent' | 'ended' | 'refused';
  readonly answer?: { outcome: 'ended' } | { outcome: 'unclear'; why: string };
  readonly heartbeat?: string;
}

async function play({ turn, begin = 'begun', answer = { outcome: 'ended' }, heartbeat }: World) {
  const calls: string[] = [];
  const call = <Result>(name: string, result: Result) => {
    calls.push(name);
    return result instanceof Error ? Promise.reject(result) : Promise.resolve(result);
  };
  const provider = {
    can: { cancel: true },
    turnToCancel: () => call('turn', turn),
    cancelVideo: (id: string) => call(`DELETE ${id}`, answer),
  };
  const store = {
    getProviderVideo: () => Promise.resolve({ provider: 'gpu@http://gpu' }),
    beginCancel: () => call('commit', { outcome: begin, providerVideoId: 'pv_1' }),
    recordCancelEnded: (_: string, video: string) => call(`record ${video}`, true),
    noteCancelUnclear: () => call('note', undefined),
  };
  const deps = {
    ...{ store, providers: { bound: () => provider } },
    ...{ count: (alarm: string) => calls.push(alarm), log: { warn: () => undefined } },
  } as unknown as ProviderDependencies;
  const env = new MockActivityEnvironment(heartbeat === undefined ? {} : { heartbeatDetails: heartbeat });
  const end = await (env.run(cancelVideo, deps, 'video_1') as Promise<{ ended: boolean }>).then(
    ({ ended }) => ended,
    (error: Error) => error.message,
  );
  return { calls, end };
}

it('takes its turn, commits, and only then sends the DELETE and records its proof', async () => {
  expect(await play({})).toEqual({ calls: ['turn', 'commit', 'DELETE pv_1', 'record pv_1'], end: true });
});

it('commits nothing while there is no turn: it would never be sent', async () => {
  expect(await play({ turn: new Error('busy') })).toEqual({ calls: ['turn'], end: 'busy' });
});

it.each([
  ['sent', false],
  ['refused', false],
  ['ended', true],
] as const)('sends nothing when the ledger says %s', async (begin, end) => {
  expect(await play({ begin })).toEqual({ calls: ['turn', 'commit'], end });
});

it('records the proof of an earlier try, and sends nothing', async () => {
  expect(await play({ heartbeat: 'pv_1' })).toEqual({ calls: ['record pv_1'], end: true });
});

it('counts and tells an answer that proves nothing, and records no end', async () => {
  const unclear = { outcome: 'unclear', why: 'HTTP 409' } as const;
  expect(await play({ answer: unclear })).toEqual({
    calls: ['turn', 'commit', 'DELETE pv_1', 'cancel_unclear', 'note'],
    end: false,
  });
});
