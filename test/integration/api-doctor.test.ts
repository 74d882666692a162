import { chmod } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { untilRow, untilSettled } from '../harness/support/generations.ts';
import { ensureReconcileSchedule } from '../../temporal/schedule.ts';
import { jsonPost, untilTerminal } from '../harness/support/answers.ts';
import { bendHold } from '../harness/support/reconciling.ts';
import type { TestStack } from '../harness/support/stack.ts';
import { ADMIN_KEY, openAccount, startStack } from '../harness/support/stack.ts';

/** GET /admin/doctor: what is wrong with an installation, in words, and never in more than a few seconds. */

interface Doctor {
  object: string;
  ok: boolean;
  checks: { name: string; ok: boolean; message: string }[];
}

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack();
  await ensureReconcileSchedule(stack.temporal, 300_000);
});
afterAll(async () => {
  await stack.stop();
});

async function doctor(): Promise<Doctor> {
  const answer = await fetch(`${stack.url}/admin/doctor`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
  expect(answer.status).toBe(200);
  const body = (await answer.json()) as Doctor;
  expect(body.ok).toBe(body.checks.every(({ ok }) => ok));
  return body;
}
const ills = ({ checks }: Doctor) => checks.filter(({ ok }) => !ok).map(({ name }) => name);
const messageOf = ({ checks }: Doctor, wanted: string) => checks.find(({ name }) => name === wanted)?.message;

/** An attempt ends once: only who may turn its guard off can say that it ended earlier. */
async function lastRefusal(ago: string): Promise<void> {
  await stack.database.admin.query('ALTER TABLE provider_attempts DISABLE TRIGGER provider_attempts_guard');
  await stack.database.admin.query(
    "UPDATE provider_attempts SET ended_at = now() - $1::interval WHERE error_code = 'operators_fault'",
    [ago],
  );
  await stack.database.admin.query('ALTER TABLE provider_attempts ENABLE TRIGGER provider_attempts_guard');
}

/** Temporal shows who polls a queue a moment after it has begun. */
const PATIENT = { timeout: 20_000, interval: 100 };

describe('of a healthy installation', () => {
  it('every check is ok, and says what it saw', async () => {
    await openAccount(stack, 1_000_000);
    const found = await vi.waitFor(async () => {
      const each = await doctor();
      expect(ills(each)).toEqual([]);
      return each;
    }, PATIENT);
    expect(found.checks.map(({ name }) => name)).toEqual([
      'database',
      'migrations',
      'rights',
      'clock',
      'ledger',
      'emergency releases',
      'overdue holds',
      'unarchived videos',
      'sales',
      'temporal',
      'search attributes',
      'workers holdfast',
      'workers holdfast-provider',
      'workers holdfast-outbound',
      'worker versions',
      'reconciler',
      'provider',
      'provider outages',
      'list sweeps',
      'offers without a provider',
      'removed providers',
      'provider refusals',
      'archive',
      'provider webhooks',
    ]);
    expect(messageOf(found, 'ledger')).toBe('The accounts of the latest movements (1) have what the journal says.');
    expect(messageOf(found, 'reconciler')).toBe('No run yet; one every 5 min.');
    expect(messageOf(found, 'workers holdfast')).toBe('1 worker polls holdfast.');
  });

  it('names the models for sale that no configured provider makes, until one is withdrawn', async () => {
    const { setOffer, setPrice, setTextPrice } = stack.database.ledger;
    const now = { effectiveFrom: null, idempotencyKey: 'unprovided' };
    await setPrice({ model: 'clip-1', size: '720p', costPerSecondMicrocredits: 1, marginBasisPoints: 0, ...now });
    await setOffer({ model: 'clip-1', terms: { provider: 'gone' }, ...now });
    const costs = { inputCostMicrocredits: 1, outputCostMicrocredits: 1, marginBasisPoints: 0 };
    const text = { model: 'prose-1', provider: 'lost', ...costs, effectiveFrom: null };
    await setTextPrice({ ...text, idempotencyKey: 'unprovided' });
    const found = await doctor();
    expect(ills(found)).toEqual(['offers without a provider']);
    expect(messageOf(found, 'offers without a provider')).toMatch(
      /^For sale, but their providers are not configured: clip-1 \(gone\), prose-1 \(lost\)\. /,
    );
    await setOffer({ model: 'clip-1', terms: { provider: 'gone', for_sale: false }, ...now, idempotencyKey: 'off' });
    await setTextPrice({ ...text, forSale: false, idempotencyKey: 'off' });
    expect(ills(await doctor())).toEqual([]);
  });

  it('is for the admin key only', async () => {
    const { fetch: asCustomer } = await openAccount(stack, 0);
    expect((await asCustomer('/admin/doctor')).status).toBe(401);
  });
});

describe('names what is wrong, and what to do', () => {
  it('a migration that the database does not have', async () => {
    const { rows } = await stack.database.admin.query<{ name: string; sha256: string }>(
      'DELETE FROM schema_migrations WHERE name = (SELECT max(name) FROM schema_migrations) RETURNING name, sha256',
    );
    const [last] = rows;
    try {
      expect(messageOf(await doctor(), 'migrations')).toBe(`Not applied: ${last!.name}. Run npm run migrate.`);
    } finally {
      await stack.database.admin.query('INSERT INTO schema_migrations (name, sha256) VALUES ($1, $2)', [
        last!.name,
        last!.sha256,
      ]);
    }
  });

  it.each([
    ['GRANT EXECUTE ON FUNCTION webhook_to_send TO PUBLIC', 'REVOKE EXECUTE ON FUNCTION webhook_to_send FROM PUBLIC'],
    [
      'GRANT UPDATE (held_microcredits) ON accounts TO holdfast_service',
      'REVOKE UPDATE ON accounts FROM holdfast_service',
    ],
    [
      'ALTER TABLE reconciler_progress OWNER TO current_user',
      'ALTER TABLE reconciler_progress OWNER TO holdfast_owner',
    ],
  ])('a right that was given beside the migration: %s', async (give, take) => {
    await stack.database.admin.query(give);
    try {
      const found = await doctor();
      expect(ills(found)).toEqual(['rights']);
      expect(messageOf(found, 'rights')).toMatch(
        /^Given beside the migration, .*(webhook_to_send|accounts|reconciler_progress)/,
      );
    } finally {
      await stack.database.admin.query(take);
    }
    expect(ills(await doctor())).toEqual([]);
  });

  it('a right that was taken', async () => {
    await stack.database.admin.query('REVOKE SELECT ON stuck_holds FROM holdfast_service');
    expect(messageOf(await doctor(), 'rights')).toBe(
      'Taken since the migration, so run it as the owner: GRANT SELECT ON holdfast.stuck_holds TO holdfast_service;',
    );
    await stack.database.admin.query('GRANT SELECT ON stuck_holds TO holdfast_service');
  });

  it('a reconciler that is paused', async () => {
    const schedule = stack.temporal.schedule.getHandle('reconcile-holds');
    await schedule.pause();
    expect(messageOf(await doctor(), 'reconciler')).toMatch(/paused: unpause it/);
    await schedule.unpause();
  });

  it('says how the last run of the reconciler ended', async () => {
    await stack.temporal.schedule.getHandle('reconcile-holds').trigger();
    await vi.waitFor(async () => expect(messageOf(await doctor(), 'reconciler')).toMatch(/completed\.$/), {
      timeout: 10_000,
    });
  });

  it.skipIf(process.getuid?.() === 0)('an archive that can not be written', async () => {
    await chmod(stack.archiveFolder, 0o500);
    expect(ills(await doctor())).toEqual(['archive']);
    await chmod(stack.archiveFolder, 0o700);
  });

  it('a provider that answers lists and refuses videos over a key, a quota or a bill, until it takes one again', async () => {
    const customer = await openAccount(stack, 3_000_000);
    const ask = async (prompt: string) => {
      const answer = await customer.fetch('/v1/videos', jsonPost({ prompt }));
      return ((await answer.json()) as { id: string }).id;
    };
    const refused = [
      await ask('a fox [[create:401:invalid_api_key:Incorrect API key]]'),
      await ask('a fox [[create:429:insufficient_quota:You exceeded your current quota]]'),
    ];
    const found = await vi.waitFor(async () => {
      const each = await doctor();
      expect(ills(each)).toEqual(['provider refusals']);
      for (const words of ['“You exceeded your current quota”', '“Incorrect API key”']) {
        expect(messageOf(each, 'provider refusals')).toContain(words);
      }
      return each;
    }, PATIENT);
    expect(messageOf(found, 'provider')).toMatch(/ answers in \d+ ms\. It is read as openai; /);
    expect(messageOf(found, 'provider refusals')).toMatch(
      /^In the last hour, .* refused by openai over our key, its rights, a quota or a bill: the last one, of video_\w+, \d+ s ago \(“.*”, “.*”\)\. It may answer lists all the same\. .* credits reserved .* refunded\. Look at the key and its rights/,
    );
    // Their workflows would try again during the other tests.
    for (const id of refused) await customer.fetch(`/v1/videos/${id}/cancel`, { method: 'POST' });
    await vi.waitFor(async () => {
      const { rows } = await stack.database.pool.query('SELECT state FROM generations WHERE account_id = $1', [
        customer.id,
      ]);
      expect(rows).toEqual([{ state: 'released' }, { state: 'released' }]);
    }, PATIENT);
    await lastRefusal('11 minutes');
    const later = await doctor();
    expect(ills(later)).toEqual([]);
    expect(messageOf(later, 'provider refusals')).toMatch(/ 11 min ago .*\. None since; the next attempt shows/);
    await lastRefusal('5 minutes');
    expect(ills(await doctor())).toEqual(['provider refusals']);
    await untilTerminal(customer, await ask('a fox'));
    const mended = await doctor();
    expect(ills(mended)).toEqual([]);
    expect(messageOf(mended, 'provider refusals')).toMatch(/ 5 min ago .*\. It has taken one since\.$/);
    await lastRefusal('61 minutes');
    expect(messageOf(await doctor(), 'provider refusals')).toBe(
      'In the last hour, no attempt was refused by a provider over our key, its rights, a quota or a bill.',
    );
  });

  // MR-5
  it('a hold that is active long past its end', async () => {
    const { fetch: asCustomer } = await openAccount(stack, 1_000_000);
    const asked = await asCustomer('/v1/videos', jsonPost({ prompt: 'a fox [[never]]' }));
    const { id } = (await asked.json()) as { id: string };
    // With so little time left it would not be submitted any more, and be released.
    await untilRow(stack, id, 'provider_video_id IS NOT NULL');
    await bendHold(stack, id, -19 * 60);
    expect(ills(await doctor())).toEqual([]);
    await bendHold(stack, id, -21 * 60);
    const found = await doctor();
    expect(ills(found)).toEqual(['overdue holds']);
    expect(messageOf(found, 'overdue holds')).toMatch(
      /^1 active more than 20 minutes past their end: .* credits stay /,
    );
    await bendHold(stack, id, 3600);
    expect(ills(await doctor())).toEqual([]);
  });

  // MR-59
  it('a video that was charged long ago and has no copy', async () => {
    const customer = await openAccount(stack, 1_000_000);
    const asked = await customer.fetch('/v1/videos', jsonPost({ prompt: 'a fox [[content:401*99]]' }));
    const { id } = (await asked.json()) as { id: string };
    await untilSettled(stack, [id]);
    const settledAgo = (minutes: number) =>
      stack.database.admin.query(
        `SET session_replication_role = replica;
         UPDATE generations SET settled_at = now() - interval '${minutes} minutes' WHERE id = '${id}';
         SET session_replication_role = origin`,
      );
    await settledAgo(59);
    expect(ills(await doctor())).toEqual([]);
    await settledAgo(61);
    const found = await doctor();
    expect(ills(found)).toEqual(['unarchived videos']);
    expect(messageOf(found, 'unarchived videos')).toMatch(/^1 charged more than an hour ago and not archived: /);
    expect((await customer.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
    expect(ills(await doctor())).toEqual([]);
  });

  it('workers that have polled no more for 90 s', async () => {
    await stack.stopWorkers();
    // Temporal remembers its pollers for minutes; the API's clock, and only that, goes on.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 100_000 });
    try {
      const found = await doctor();
      expect(ills(found)).toEqual([
        'clock',
        'workers holdfast',
        'workers holdfast-provider',
        'workers holdfast-outbound',
      ]);
      expect(messageOf(found, 'clock')).toMatch(
        /^The database's clock is (99|100)\.\d s behind this process's: set them by NTP/,
      );
      expect(messageOf(found, 'workers holdfast-provider')).toBe(
        'No worker has polled holdfast-provider for 90 s: start one (npm run worker), or look at its log. New requests may be refused with 503 meanwhile; credits stay reserved, and what is due is settled once a worker is back.',
      );
    } finally {
      vi.useRealTimers();
    }
  });

  it('a provider that is gone', async () => {
    await stack.stopSimulator();
    const found = await doctor();
    expect(ills(found)).toContain('provider');
    expect(messageOf(found, 'provider')).toMatch(/^The provider openai at http:.* is away \(connection refused/);
  });
});

describe('with a database that hangs', () => {
  it('answers all the same, within seconds', async () => {
    const blocker = await stack.database.admin.connect();
    await blocker.query('BEGIN; LOCK TABLE schema_migrations, journal_transactions');
    const beganMs = performance.now();
    try {
      const found = await doctor();
      expect(ills(found)).toEqual(expect.arrayContaining(['migrations', 'ledger']));
      expect(messageOf(found, 'migrations')).toMatch(/no answer within 3 s/);
      expect(performance.now() - beganMs).toBeLessThan(5000);
    } finally {
      await blocker.query('ROLLBACK');
      blocker.release();
    }
  });
});
