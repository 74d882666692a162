import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { textId, videoId } from '../../contracts/ids.ts';
import type { Tenant, TestDatabase } from '../harness/support/database.ts';
import { admissionRequest, createTestDatabase, openTenant } from '../harness/support/database.ts';
import { FINISHED, ledgerSteps } from '../harness/support/ledgerSteps.ts';
import { offerSteps } from '../harness/support/offerSteps.ts';

/** Nothing new is begun at a provider while it does not answer our probes (MR-76). */

let db: TestDatabase;
let tenant: Tenant;
beforeAll(async () => {
  db = await createTestDatabase(5);
  tenant = await openTenant(db, 100_000_000);
});
afterEach(async () => {
  await db.admin.query('DELETE FROM provider_probes');
});
afterAll(async () => {
  await db.drop();
});

const DEFAULT = { identity: 'openai@http://provider', isDefault: true };
const OTHER = { identity: 'gpu-1@http://10.0.0.1', isDefault: false };
const { created, settle, outlive } = ledgerSteps(() => db);
const { sold, admit, quote } = offerSteps(() => ({ db, tenant }));

const fails = (prober = 'a', provider = DEFAULT) => db.ledger.recordProbe(prober, provider, 'HTTP 503');
const answers = (prober = 'a', provider = DEFAULT) => db.ledger.recordProbe(prober, provider, null);
/** Lets this time pass for what one process has recorded. */
const age = (interval: string, prober = 'a') =>
  db.admin.query(
    `UPDATE provider_probes SET failing_since = failing_since - $1::interval, last_at = last_at - $1::interval WHERE prober = $2`,
    [interval, prober],
  );
/** Three failures in a row over ten seconds. */
async function goesDown(prober = 'a', provider = DEFAULT): Promise<boolean> {
  await fails(prober, provider);
  await fails(prober, provider);
  await age('10 seconds', prober);
  return fails(prober, provider);
}
const video = (by = tenant, changes = {}) => db.ledger.admitGeneration(admissionRequest(by, changes, randomUUID()));
const outcomeOf = async (admission: Promise<{ outcome: string }>) => (await admission).outcome;

describe('a provider', () => {
  it('is down after three failures in a row over ten seconds, and up again with one answer', async () => {
    expect([await fails(), await fails(), await fails(), await fails()]).toEqual([false, false, false, false]);
    await age('9 seconds');
    expect(await fails()).toBe(false);
    await age('1 second');
    expect(await fails()).toBe(true);
    expect(await outcomeOf(video())).toBe('provider_down');
    expect(await answers()).toBe(false);
    expect(await outcomeOf(video())).toBe('admitted');
    expect(await fails()).toBe(false);
  });

  it('is not down for two failures, however long ago the first one was', async () => {
    await fails();
    await age('50 seconds');
    expect(await fails()).toBe(false);
  });

  it('is not down while one process reaches it, nor before one of them is sure', async () => {
    await answers('b');
    expect(await goesDown('a')).toBe(false);
    expect(await fails('b')).toBe(true);
    await answers('a');
    expect(await fails('b')).toBe(false);
  });

  it('is not down when nobody knows: no process has probed it in the last minute', async () => {
    expect(await goesDown()).toBe(true);
    await age('61 seconds');
    expect(await outcomeOf(video())).toBe('admitted');
    expect(await db.ledger.listProbed()).toEqual([]);
  });

  it('is no longer held up by a process that has ended, whose record is removed in time', async () => {
    await answers('ended');
    await age('61 seconds', 'ended');
    expect(await goesDown()).toBe(true);
    await age('1 hour', 'ended');
    await fails();
    const { rows } = await db.admin.query('SELECT prober FROM provider_probes');
    expect(rows).toEqual([{ prober: 'a' }]);
  });

  it('is down as soon as it is one, though the clock was set back meanwhile', async () => {
    await fails();
    await fails();
    await age('-1 hour');
    await fails();
    await age('10 seconds');
    expect(await fails()).toBe(true);
  });

  it('is shown to operators with the reason and the time', async () => {
    await goesDown();
    await answers('a', OTHER);
    expect(await db.ledger.listProbed()).toEqual([
      { provider: OTHER.identity, isDown: false, failingSince: null, why: null },
      { provider: DEFAULT.identity, isDown: true, failingSince: expect.any(Date) as Date, why: 'HTTP 503' },
    ]);
  });
});

describe('while a provider is down', () => {
  it('a video and a text are refused and leave nothing, and an idempotency key is not used up', async () => {
    const fresh = await openTenant(db, 10_000_000);
    await goesDown();
    expect(await video(fresh, { idempotencyKey: 'k' })).toEqual({ outcome: 'provider_down' });
    const text = {
      ...admissionRequest(fresh),
      ...{ generationId: textId('script', randomUUID()), model: 'gpt-4.1-mini', request: {} },
      ...{ inputBoundTokens: 10, maxOutputTokens: 10 },
    };
    expect(await db.ledger.admitText(text)).toEqual({ outcome: 'provider_down' });
    const { rowCount } = await db.admin.query(
      'SELECT FROM generations WHERE account_id = $1 UNION ALL SELECT FROM idempotency_keys WHERE account_id = $1',
      [fresh.accountId],
    );
    expect(rowCount).toBe(0);
    await answers();
    expect(await outcomeOf(video(fresh, { idempotencyKey: 'k' }))).toBe('admitted');
  });

  it('a replay is answered, and what was admitted is held and settled', async () => {
    const request = admissionRequest(tenant, { idempotencyKey: randomUUID() }, randomUUID());
    const first = await db.ledger.admitGeneration(request);
    if (first.outcome !== 'admitted') throw new Error(first.outcome);
    await goesDown();
    await db.ledger.placeHold(first.generationId, 3600);
    const again = { ...request, generationId: videoId(randomUUID()) };
    expect(await db.ledger.admitGeneration(again)).toMatchObject({
      outcome: 'replay',
      generationId: first.generationId,
    });
  });

  it('another one’s models are sold, and the other way round', async () => {
    const model = await sold({ provider: 'gpu-1' });
    await answers('a', OTHER);
    await goesDown('a', DEFAULT);
    expect(await outcomeOf(video())).toBe('provider_down');
    expect(await outcomeOf(admit(model))).toBe('admitted');
    expect(await quote(model)).toMatchObject({ isProviderDown: false });
    await answers('a', DEFAULT);
    await goesDown('a', OTHER);
    expect(await outcomeOf(video())).toBe('admitted');
    expect(await outcomeOf(admit(model))).toBe('provider_down');
    expect(await quote(model)).toMatchObject({ isProviderDown: true });
  });

  it('a video there is not claimed, for its content could not be copied; one that is claimed already is answered', async () => {
    const late = await created();
    await outlive(late.id);
    await settle(late.id, 'expired');
    await db.ledger.recordLook(late.id, late.video, FINISHED);
    const claim = () =>
      db.ledger.claimGeneration({
        ...admissionRequest(late.tenant),
        ...{ generationId: videoId(randomUUID()), claimOf: late.id },
      });
    await goesDown('a', OTHER);
    await goesDown('a', DEFAULT);
    expect(await claim()).toEqual({ outcome: 'provider_down' });
    await answers('a', DEFAULT);
    const claimed = await claim();
    expect(claimed).toMatchObject({ outcome: 'admitted' });
    await goesDown('a', DEFAULT);
    expect(await claim()).toEqual({ ...claimed, outcome: 'pending' });
  });
});

it('the service can record probes only by their function', async () => {
  for (const statement of ['DELETE FROM provider_probes', "UPDATE provider_probes SET why = 'x'"])
    await expect(db.pool.query(statement)).rejects.toMatchObject({ code: '42501' });
});
