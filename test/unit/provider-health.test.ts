import { expect, it } from 'vitest';
import type { Provider, ProviderChange, RetrieveResult } from '../../provider/index.ts';
import { watchHealth } from '../../provider/index.ts';

const AWAY: RetrieveResult = {
  outcome: 'transient',
  why: 'HTTP 503',
  status: 503,
  retryAfterMs: null,
  debt: null,
  whose: 'provider',
};
const MISSING: RetrieveResult = {
  outcome: 'transient',
  why: 'HTTP 404',
  status: 404,
  retryAfterMs: null,
  debt: null,
  whose: 'provider',
};

function watched() {
  const told: ProviderChange[] = [];
  const answers: RetrieveResult[] = [];
  const provider = { retrieveVideo: async () => answers.shift() ?? MISSING } as unknown as Provider;
  const health = watchHealth(provider, (change) => told.push(change));
  const look = async (...results: RetrieveResult[]) => {
    for (const result of results) {
      answers.push(result);
      await health.retrieveVideo('pv_1');
    }
  };
  return { told, look };
}

it('trouble with the provider is told once when it begins and once when it ends, however many tries there are', async () => {
  const { told, look } = watched();
  await look(...Array.from({ length: 500 }, () => AWAY));
  expect(told).toEqual([{ state: 'down', why: 'HTTP 503' }]);
  await look(MISSING, MISSING);
  expect(told.slice(1)).toEqual([{ state: 'back', failedCalls: 500, forMs: expect.any(Number) }]);
});

it('a call or two that fail, or a video that is not there, are no trouble with the provider', async () => {
  const { told, look } = watched();
  await look(AWAY, AWAY, MISSING, AWAY, AWAY, MISSING, MISSING, MISSING, MISSING);
  expect(told).toEqual([]);
});
