import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SeenVideo } from '../../store/index.ts';
import type { TestDatabase, Tenant } from '../harness/support/database.ts';
import { PRICE, admit, createTestDatabase, openTenant } from '../harness/support/database.ts';
import { adoptOne } from '../harness/support/ledgerSteps.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(async () => {
  await db.drop();
});
afterEach(async () => {
  expect((await db.pool.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
});

const PROVIDER = { identity: 'openai@http://provider' };
const COMPLETED: SeenVideo = {
  verdict: 'completed',
  status: 'completed',
  progress: 100,
  completedAt: null,
  errorCode: null,
  errorMessage: null,
};

async function held(prompt: string = randomUUID()): Promise<{ id: string; tenant: Tenant }> {
  const tenant = await openTenant(db, PRICE);
  const id = await admit(db, tenant, prompt);
  await db.ledger.placeHold(id, 3600);
  return { id, tenant };
}

/** Begins a create whose end nobody knows; answers with its number. */
async function lost(id: string): Promise<number> {
  const begun = await db.ledger.beginAttempt(id, [PROVIDER]);
  if (begun.outcome !== 'begun') throw new Error(begun.outcome);
  await db.ledger.noteAmbiguousAttempt(id, begun.number, 'connection reset');
  return begun.number;
}

async function notFound(id: string): Promise<void> {
  await db.ledger.endAttempt(id, await lost(id), { outcome: 'not_found' });
}

const begin = async (id: string) => (await db.ledger.beginAttempt(id, [PROVIDER])).outcome;
const activeOf = async ({ accountId }: Tenant) => (await db.ledger.getBalance(accountId)).activeGenerations;
const availableOf = async ({ accountId }: Tenant) => (await db.ledger.getBalance(accountId)).availableMicrocredits;

/** Changes what no role of the service may, as a test of time needs it. */
async function bend(sql: string, values: unknown[]): Promise<void> {
  const client = await db.admin.connect();
  try {
    await client.query('BEGIN');
    await client.query('SET LOCAL session_replication_role = replica');
    await client.query(sql, values);
    await client.query('COMMIT');
  } finally {
    client.release(true);
  }
}

const endHour = (id: string) =>
  bend(
    "UPDATE holds SET placed_at = now() - interval '2 hours', expires_at = now() - interval '1 second' WHERE generation_id = $1",
    [id],
  );

// MR-30
describe('a generation has at most three attempts', () => {
  it('after three that were looked for and not found, none may be begun, and the hold is released as create_failed', async () => {
    const { id, tenant } = await held();
    for (let n = 0; n < 3; n += 1) await notFound(id);
    expect(await begin(id)).toBe('spent');
    expect(await db.ledger.settleGeneration(id, 'create_failed')).toMatchObject({
      settlement: { errorCode: 'create_failed' },
    });
    expect(await availableOf(tenant)).toBe(PRICE);
    // Its orphan may still turn up: it counts against the cap until that is known.
    expect(await activeOf(tenant)).toBe(1);
  });

  it('after two, create_failed has no proof', async () => {
    const { id } = await held();
    for (let n = 0; n < 2; n += 1) await notFound(id);
    await expect(db.ledger.settleGeneration(id, 'create_failed')).rejects.toMatchObject({ code: 'no_proof' });
  });

  it('those that are proven to have made nothing do not count', async () => {
    const { id } = await held();
    for (let n = 1; n <= 5; n += 1) {
      expect(await begin(id)).toBe('begun');
      await db.ledger.endAttempt(id, n, { outcome: 'not_made', code: 'not_made', message: 'HTTP 429' });
    }
    expect(await begin(id)).toBe('begun');
  });

  it('none is begun once the hold is over its time, whatever waited in a queue', async () => {
    const { id } = await held();
    await endHour(id);
    expect(await begin(id)).toBe('too_late');
  });
});

// MR-32
describe('adopting', () => {
  it('gives the only video that can be meant to the generation, once', async () => {
    const { id } = await held();
    const number = await lost(id);
    const video = { id: randomUUID(), createdAt: null };
    expect(await adoptOne(db, id, number, video)).toBe('adopted');
    expect(await adoptOne(db, id, number, video)).toBe('closed');
    expect(await db.ledger.beginAttempt(id, [PROVIDER])).toEqual({
      outcome: 'known',
      provider: PROVIDER.identity,
      providerVideoId: video.id,
    });
  });

  it('is refused while another open attempt, of whichever account, looks the same', async () => {
    const [one, two] = [await held('the same'), await held('the same')];
    const [first, second] = [await lost(one.id), await lost(two.id)];
    expect(await adoptOne(db, one.id, first, { id: randomUUID(), createdAt: null })).toBe('rival');
    await db.ledger.endAttempt(two.id, second, { outcome: 'not_found' });
    expect(await adoptOne(db, one.id, first, { id: randomUUID(), createdAt: null })).toBe('adopted');
  });

  it('is refused for a rival that was released with its attempt open: its video may be the one', async () => {
    const [gone, here] = [await held('lost twice'), await held('lost twice')];
    await lost(gone.id);
    await endHour(gone.id);
    await db.ledger.settleGeneration(gone.id, 'expired');
    expect(await adoptOne(db, here.id, await lost(here.id), { id: randomUUID(), createdAt: null })).toBe('rival');
  });

  it("never takes another generation's video", async () => {
    const [owner, other] = [await held(), await held()];
    const video = { id: randomUUID(), createdAt: null };
    await adoptOne(db, owner.id, await lost(owner.id), video);
    expect(await adoptOne(db, other.id, await lost(other.id), video)).toBe('taken');
  });

  it('against a concurrent attempt with the same fields: never both', async () => {
    for (let round = 0; round < 20; round += 1) {
      const prompt = randomUUID();
      const [one, two] = [await held(prompt), await held(prompt)];
      const number = await lost(one.id);
      const [adopted, begun] = await Promise.all([
        adoptOne(db, one.id, number, { id: randomUUID(), createdAt: null }),
        db.ledger.beginAttempt(two.id, [PROVIDER]),
      ]);
      // Whoever came second saw the first: an adoption after the begin is refused.
      expect(begun.outcome).toBe('begun');
      expect(['adopted', 'rival']).toContain(adopted);
      if (adopted === 'rival') expect(await db.ledger.getOpenAttempt(one.id)).toMatchObject({ number });
    }
  });
});

describe('a cancel', () => {
  it('is recorded once and moves no credits', async () => {
    const { id, tenant } = await held();
    const answers = await Promise.all(Array.from({ length: 20 }, () => db.ledger.requestCancel(id, 'client')));
    expect(answers.filter(({ first }) => first)).toHaveLength(1);
    expect(await availableOf(tenant)).toBe(0);
    const { rows } = await db.pool.query(
      "SELECT FROM generation_events WHERE generation_id = $1 AND kind = 'cancel_requested'",
      [id],
    );
    expect(rows).toHaveLength(1);
  });

  it('releases before the first attempt, and no attempt begins after it', async () => {
    const { id, tenant } = await held();
    await db.ledger.requestCancel(id, 'client');
    expect(await begin(id)).toBe('cancelled');
    expect(await db.ledger.settleGeneration(id, 'cancelled')).toMatchObject({
      settlement: { charged: false, errorCode: 'cancelled' },
    });
    expect([await availableOf(tenant), await activeOf(tenant)]).toEqual([PRICE, 0]);
  });

  it('releases nothing while an attempt may have made something', async () => {
    const { id } = await held();
    await lost(id);
    await db.ledger.requestCancel(id, 'client');
    await expect(db.ledger.settleGeneration(id, 'cancelled')).rejects.toMatchObject({ code: 'no_proof' });
  });

  // MR-2
  it('without a request for it has no proof', async () => {
    const { id } = await held();
    await expect(db.ledger.settleGeneration(id, 'cancelled')).rejects.toMatchObject({ code: 'no_proof' });
  });
});

describe('an emergency release', () => {
  const tenMinutesAgo = (id: string) =>
    bend("UPDATE generations SET settlement_refused_at = now() - interval '601 seconds' WHERE id = $1", [id]);

  it('is refused before ten minutes of refused settlements are on record', async () => {
    const { id, tenant } = await held();
    await expect(db.ledger.settleGeneration(id, 'emergency')).rejects.toMatchObject({ code: 'no_proof' });
    await db.ledger.recordSettlementRefusal(id, 'completed', 'constraint');
    await expect(db.ledger.settleGeneration(id, 'emergency')).rejects.toMatchObject({ code: 'no_proof' });
    expect(await availableOf(tenant)).toBe(0);
  });

  it('gives the credits back after that, with the reason on record', async () => {
    const { id, tenant } = await held();
    await db.ledger.recordSettlementRefusal(id, 'expired', 'constraint');
    await tenMinutesAgo(id);
    expect(await db.ledger.settleGeneration(id, 'emergency')).toMatchObject({
      settlement: { errorCode: 'settlement_failed' },
    });
    expect(await availableOf(tenant)).toBe(PRICE);
    const { rows } = await db.pool.query(
      'SELECT kind, data FROM generation_events WHERE generation_id = $1 ORDER BY sequence DESC LIMIT 2',
      [id],
    );
    expect(rows).toMatchObject([{ kind: 'released', data: { reason: 'emergency' } }, { kind: 'settlement_refused' }]);
  });

  it('charges a completed video after all if that can be recorded by then', async () => {
    const { id, tenant } = await held();
    const number = await lost(id);
    const video = { id: randomUUID(), createdAt: null };
    await adoptOne(db, id, number, video);
    await db.ledger.recordLook(id, video.id, COMPLETED);
    await db.ledger.recordSettlementRefusal(id, 'completed', 'constraint');
    await tenMinutesAgo(id);
    expect(await db.ledger.settleGeneration(id, 'emergency')).toMatchObject({
      settlement: { charged: true, reason: 'completed' },
    });
    expect(await availableOf(tenant)).toBe(0);
  });
});

// MR-51
describe('the cap counts what is released but not finished', () => {
  it('a video that expired counts until its end is seen', async () => {
    const { id, tenant } = await held();
    const video = { id: randomUUID(), createdAt: null };
    await adoptOne(db, id, await lost(id), video);
    await endHour(id);
    await db.ledger.settleGeneration(id, 'expired');
    expect([await availableOf(tenant), await activeOf(tenant)]).toEqual([PRICE, 1]);
    await db.ledger.recordLook(id, video.id, COMPLETED);
    expect(await activeOf(tenant)).toBe(0);
    // Late is late: the refund stands.
    expect(await db.ledger.settleGeneration(id, 'completed')).toMatchObject({
      result: 'conflict',
      settlement: { charged: false },
    });
    expect(await availableOf(tenant)).toBe(PRICE);
  });

  // MR-84
  it('letting many expire is no way to unlimited generations: the next hold is refused at the cap', async () => {
    const tenant = await openTenant(db, PRICE);
    await db.admin.query('UPDATE accounts SET max_active_generations = 2 WHERE id = $1', [tenant.accountId]);
    for (let n = 0; n < 2; n += 1) {
      const id = await admit(db, tenant, randomUUID());
      await db.ledger.placeHold(id, 3600);
      await adoptOne(db, id, await lost(id), { id: randomUUID(), createdAt: null });
      await endHour(id);
      await db.ledger.settleGeneration(id, 'expired');
    }
    const next = await admit(db, tenant, randomUUID());
    expect(await db.ledger.placeHold(next, 3600)).toMatchObject({
      outcome: 'refused',
      code: 'too_many_active_generations',
    });
  });
});

it('events are numbered without gaps, in the order of what they tell', async () => {
  const { id } = await held();
  const video = { id: randomUUID(), createdAt: null };
  await adoptOne(db, id, await lost(id), video);
  await db.ledger.recordLook(id, video.id, COMPLETED);
  await db.ledger.settleGeneration(id, 'completed');
  const { rows } = await db.pool.query<{ sequence: number; kind: string }>(
    'SELECT sequence, kind FROM generation_events WHERE generation_id = $1 ORDER BY sequence',
    [id],
  );
  expect(rows.map(({ sequence }) => sequence)).toEqual(rows.map((_, index) => index + 1));
  expect(rows.map(({ kind }) => kind)).toEqual([
    'requested',
    'held',
    'attempt_begun',
    'attempt_ambiguous',
    'attempt_adopted',
    'seen',
    'charged',
  ]);
});
