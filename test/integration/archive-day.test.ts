import { expect, it } from 'vitest';
import {
  age,
  alarms,
  answers,
  archiveAt,
  charged,
  cut,
  once,
  onRecord,
  status,
  useArchiveSite,
  whole,
} from '../harness/support/archiveSite.ts';

/** What the provider fails to deliver for a day is gone; what we or the operator keep from being had is not. */

useArchiveSite();

const DAY_MS = 24 * 3_600_000;

// MR-59
it('not delivered for a day: gone, once and for all, and nothing is left of it', async () => {
  const id = await charged();
  answers.push(cut(), status(503), status(503));
  const first = await once(id);
  expect(first.details).toMatchObject({ failed: { forMs: 0 } });
  await age(id, '1 day');
  const failedFor = (forMs: number) => ({ ...(first.details as object), failed: { forMs, lastMs: DAY_MS - 60_000 } });
  expect((await once(id, failedFor(DAY_MS - 120_000))).end).toBeInstanceOf(Error);
  expect((await once(id, failedFor(DAY_MS - 60_000))).end).toBe('gone');
  expect(alarms).toEqual(['content_gone', 'content_refunded']);
  expect(await archiveAt().kept(`${id}/video`)).toBe(0);
});

// MR-59
it.each([
  ['that a long gap lay between two failures of the provider’s', 503, 0, 70 * 60_000],
  ['that our key is refused', 401, DAY_MS, DAY_MS],
  ['that our bill is not paid', 402, DAY_MS, DAY_MS],
  ['that we may not ask so often', 429, DAY_MS, DAY_MS],
])('is not gone by the time %s', async (_why, code, forMs, afterMs) => {
  const id = await charged();
  await age(id, '2 days');
  answers.push(status(code));
  const { end, details } = await once(id, { failed: { forMs, lastMs: 0 } });
  expect(end).toBeInstanceOf(Error);
  expect(await onRecord(id)).toEqual([]);
  expect(details).toMatchObject({ failed: { forMs: afterMs } });
});

it('is not gone by a failure now and then: the time that a trouble of ours lay between is not counted', async () => {
  const id = await charged();
  answers.push(status(503), whole());
  const first = await once(id);
  await age(id, '1 hour');
  const full = { ...archiveAt(), write: async () => Promise.reject(new Error('ENOSPC: no space left on device')) };
  const ours = await once(id, first.details, { archive: full });
  await age(id, '1 hour');
  answers.push(status(503));
  expect((await once(id, ours.details)).details).toMatchObject({ failed: { forMs: 0 } });
});
