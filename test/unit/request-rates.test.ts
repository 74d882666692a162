import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { RequestRates } from '../../api/http/requestRates.ts';

/** What one process leases of the requests a minute of keys, from a database that is not there. */

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const MINUTE_MS = 60_000;

it('what waits for a lease is leased at once, and nothing ahead of a limit below 20', async () => {
  const wanted: number[] = [];
  const rates = new RequestRates({
    leaseRequests: (lease) => {
      wanted.push(lease.wanted);
      return Promise.resolve({ leased: lease.wanted, endsInMs: MINUTE_MS });
    },
  });
  await Promise.all(Array.from({ length: 10 }, () => rates.take('key', 19)));
  expect(wanted).toEqual([1, 9]);
  expect(rates.takeLeased('key')).toBe(false);
});

it('a lease that fails fails those that wait for it, and the next request asks again', async () => {
  let isAway = true;
  const rates = new RequestRates({
    leaseRequests: () =>
      isAway ? Promise.reject(new Error('away')) : Promise.resolve({ leased: 1, endsInMs: MINUTE_MS }),
  });
  const waiting = await Promise.allSettled([rates.take('key', 5), rates.take('key', 5)]);
  expect(waiting.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  isAway = false;
  expect(await rates.take('key', 5)).toBe(0);
});

it('nothing that was leased is used after its minute, which is counted from before the call', async () => {
  const rates = new RequestRates({
    leaseRequests: ({ wanted }) => {
      vi.advanceTimersByTime(1000);
      return Promise.resolve({ leased: wanted, endsInMs: MINUTE_MS });
    },
  });
  await rates.take('key', 400);
  // The second leases one ahead.
  await rates.take('key', 400);
  vi.advanceTimersByTime(MINUTE_MS - 1000);
  expect(rates.takeLeased('key')).toBe(false);
});

it('keys of which the minute has ended are forgotten', async () => {
  const rates = new RequestRates({
    leaseRequests: ({ wanted }) => Promise.resolve({ leased: wanted, endsInMs: MINUTE_MS }),
  });
  for (let n = 0; n < 1000; n += 1) await rates.take(`key ${n}`, 5);
  vi.advanceTimersByTime(MINUTE_MS);
  await rates.take('another', 5);
  expect(rates['leases'].size).toBe(1);
});
