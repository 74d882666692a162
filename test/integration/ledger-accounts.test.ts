import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { accountId, videoId } from '../../contracts/ids.ts';
import { MAX_MICROCREDITS } from '../../contracts/money.ts';
import type { TestDatabase, Tenant } from '../harness/support/database.ts';
import { admissionRequest, PRICE, admit, createTestDatabase, openTenant } from '../harness/support/database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase(5);
});
afterAll(async () => {
  await db.drop();
});
afterEach(async () => {
  expect((await db.pool.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
});

const available = async ({ accountId }: Tenant) => (await db.ledger.getBalance(accountId)).availableMicrocredits;
const grant = ({ accountId }: Pick<Tenant, 'accountId'>, amountMicrocredits: number, idempotencyKey: string) =>
  db.ledger.grantCredits({ accountId, amountMicrocredits, reason: 'a reason', idempotencyKey });
const freeze = (
  { accountId }: Pick<Tenant, 'accountId'>,
  frozen: boolean,
  idempotencyKey: string,
  reason = 'a reason',
) => db.ledger.setAccountFrozen({ accountId, frozen, reason, idempotencyKey });

describe('the key of a grant', () => {
  it('that found nothing to claw back takes nothing later', async () => {
    const tenant = await openTenant(db, 0);
    expect(await grant(tenant, -500, 'k')).toMatchObject({ outcome: 'nothing_available', replayed: false });
    await grant(tenant, 800, 'more');
    expect(await grant(tenant, -500, 'k')).toMatchObject({ outcome: 'nothing_available', replayed: true });
    expect(await available(tenant)).toBe(800);
  });

  it('that was too large grants nothing later', async () => {
    const tenant = await openTenant(db, 1);
    expect(await grant(tenant, MAX_MICROCREDITS, 'k')).toMatchObject({ outcome: 'too_large', replayed: false });
    await grant(tenant, -1, 'room');
    expect(await grant(tenant, MAX_MICROCREDITS, 'k')).toMatchObject({ outcome: 'too_large', replayed: true });
    expect(await available(tenant)).toBe(0);
  });

  it('is not the key of a freeze, nor that of an unfreeze', async () => {
    const tenant = await openTenant(db, 0);
    await freeze(tenant, true, 'freeze');
    expect(await grant(tenant, 5, 'freeze')).toMatchObject({ outcome: 'key_reused' });
    await grant(tenant, 5, 'grant');
    expect(await freeze(tenant, true, 'grant')).toMatchObject({ outcome: 'key_reused' });
    expect(await freeze(tenant, false, 'freeze')).toMatchObject({ outcome: 'key_reused' });
    expect(await freeze(tenant, true, 'freeze', 'another reason')).toMatchObject({ outcome: 'key_reused' });
    expect(await available(tenant)).toBe(5);
  });
});

it.each([null, 0])('a grant of %s is refused for its amount', async (amount) => {
  const tenant = await openTenant(db, 100);
  const call = db.pool.query("SELECT grant_credits($1, $2, 'r', 'k')", [tenant.accountId, amount]);
  await expect(call).rejects.toMatchObject({ code: '22003' });
  expect(await available(tenant)).toBe(100);
});

describe('a frozen account', () => {
  it('gets no hold until it is let go, and each is done once a key', async () => {
    const tenant = await openTenant(db, 3 * PRICE);
    const [before, during, after] = await Promise.all([admit(db, tenant), admit(db, tenant), admit(db, tenant)]);
    await db.ledger.placeHold(before, 3600);
    expect(await freeze(tenant, true, 'a')).toEqual({ outcome: 'frozen', replayed: false });
    expect(await freeze(tenant, true, 'b')).toEqual({ outcome: 'already_frozen', replayed: false });
    expect(await db.ledger.placeHold(during, 3600)).toMatchObject({ outcome: 'refused', code: 'account_frozen' });
    // What it holds settles as ever.
    expect(await db.ledger.settleGeneration(before, 'provider_unavailable')).toMatchObject({ result: 'settled' });
    expect(await freeze(tenant, false, 'c')).toEqual({ outcome: 'unfrozen', replayed: false });
    expect(await freeze(tenant, false, 'd')).toEqual({ outcome: 'not_frozen', replayed: false });
    // A late repeat freezes nothing.
    expect(await freeze(tenant, true, 'a')).toEqual({ outcome: 'frozen', replayed: true });
    expect(await db.ledger.placeHold(after, 3600)).toMatchObject({ outcome: 'held' });
  });

  it('that nobody knows is answered as that', async () => {
    expect(await freeze({ accountId: accountId(randomUUID()) }, true, 'k')).toMatchObject({
      outcome: 'unknown_account',
    });
  });
});

it('an account is opened once an id, empty, and keeps its name', async () => {
  const id = accountId(randomUUID());
  const first = await db.ledger.openAccount(id, 'one');
  expect(first).toMatchObject({ outcome: 'opened', replayed: false });
  await grant({ accountId: id }, 5, 'k');
  expect(await db.ledger.openAccount(id, 'one')).toEqual({ ...first, replayed: true });
  expect(await db.ledger.openAccount(id, 'another')).toMatchObject({ outcome: 'id_reused', replayed: true });
  expect((await db.ledger.getBalance(id)).availableMicrocredits).toBe(5);
});

describe('a price', () => {
  const base = {
    size: '720x1280',
    costPerSecondMicrocredits: 1000,
    marginBasisPoints: 5000,
    effectiveFrom: null as Date | null,
  };
  const fresh = () => ({ ...base, model: `model ${randomUUID()}`, idempotencyKey: randomUUID() });
  const asked = async (model: string) =>
    (await db.ledger.listPrices())
      .filter((price) => price.model === model && price.seconds === 20)
      .map((price) => price.amountMicrocredits);

  it('is set once a key, and its key is for no other price', async () => {
    const price = fresh();
    const first = await db.ledger.setPrice(price);
    expect(first).toMatchObject({ outcome: 'set', replayed: false });
    expect(await db.ledger.setPrice(price)).toEqual({ ...first, replayed: true });
    const changes = [
      { model: `${price.model} too` },
      { size: '1x1' },
      { costPerSecondMicrocredits: 1001 },
      { marginBasisPoints: 5001 },
      { effectiveFrom: new Date(Date.now() + 3_600_000) },
    ];
    for (const change of changes) {
      expect(await db.ledger.setPrice({ ...price, ...change }), JSON.stringify(change)).toMatchObject({
        outcome: 'key_reused',
      });
    }
    expect(await asked(price.model)).toEqual([40_000]);
  });

  it('is never set for the past', async () => {
    const price = { ...fresh(), effectiveFrom: new Date(Date.now() - 60_000) };
    expect(await db.ledger.setPrice(price)).toEqual({ outcome: 'in_the_past' });
    expect(await asked(price.model)).toEqual([]);
  });

  it('is asked from its time on, not before; there is one a moment', async () => {
    const now = fresh();
    await db.ledger.setPrice(now);
    const later = { ...now, costPerSecondMicrocredits: 2000, effectiveFrom: new Date(Date.now() + 3_600_000) };
    expect(await db.ledger.setPrice({ ...later, idempotencyKey: randomUUID() })).toMatchObject({ outcome: 'set' });
    expect(await db.ledger.setPrice({ ...later, idempotencyKey: randomUUID() })).toMatchObject({
      outcome: 'already_set',
    });
    expect(await asked(now.model)).toEqual([40_000]);
    const tenant = await openTenant(db, 1_000_000);
    expect(await db.ledger.admitGeneration({ ...request(tenant), model: now.model, seconds: 20 })).toMatchObject({
      outcome: 'admitted',
      amountMicrocredits: 40_000,
    });
  });

  it('is a whole number of microcredits, rounded up', async () => {
    const price = { ...fresh(), costPerSecondMicrocredits: 1, marginBasisPoints: 3333 };
    await db.ledger.setPrice(price);
    expect(await asked(price.model)).toEqual([30]);
  });
});

const request = (tenant: Tenant, idempotencyKey: string | null = null, prompt = 'a red fox') =>
  admissionRequest(tenant, { idempotencyKey }, prompt);

describe("a request's key", () => {
  it('answers the same request with its generation, whatever became of that, and another with a refusal', async () => {
    const tenant = await openTenant(db, 5 * PRICE);
    const first = request(tenant, 'k');
    const again = () => db.ledger.admitGeneration(request(tenant, 'k'));
    await db.ledger.admitGeneration(first);
    expect(await again()).toMatchObject({ outcome: 'in_use' });
    const replay = { outcome: 'replay', generationId: first.generationId, status: 200 };
    await db.ledger.placeHold(first.generationId, 3600);
    expect(await again()).toMatchObject(replay);
    expect(await db.ledger.admitGeneration(request(tenant, 'k', 'another'))).toMatchObject({ outcome: 'reused' });
    await db.ledger.settleGeneration(first.generationId, 'provider_unavailable');
    expect(await again()).toMatchObject(replay);
    await db.admin.query("UPDATE idempotency_keys SET created_at = now() - interval '73 hours' WHERE account_id = $1", [
      tenant.accountId,
    ]);
    expect(await again()).toMatchObject({ outcome: 'too_old' });
  });

  it('that was refused for lack of credits stays refused after a top-up', async () => {
    const tenant = await openTenant(db, 0);
    expect(await db.ledger.admitGeneration(request(tenant, 'k'))).toMatchObject({ outcome: 'insufficient_credits' });
    await grant(tenant, 5 * PRICE, 'top-up');
    expect(await db.ledger.admitGeneration(request(tenant, 'k'))).toMatchObject({ outcome: 'replay', status: 402 });
  });

  it('whose hold was refused for lack of credits stays refused after a top-up', async () => {
    const tenant = await openTenant(db, PRICE);
    const first = request(tenant, 'k');
    await db.ledger.admitGeneration(first);
    await grant(tenant, -PRICE, 'back');
    expect(await db.ledger.placeHold(first.generationId, 3600)).toMatchObject({ code: 'insufficient_credits' });
    await grant(tenant, 5 * PRICE, 'top-up');
    expect(await db.ledger.admitGeneration(request(tenant, 'k'))).toMatchObject({ outcome: 'replay', status: 402 });
  });

  it('keeps the first answer', async () => {
    const tenant = await openTenant(db, PRICE);
    const first = request(tenant, 'k');
    await db.ledger.admitGeneration(first);
    await db.ledger.placeHold(first.generationId, 3600);
    await db.ledger.keepAnswer(tenant.accountId, 'k', { status: 402, body: 'of another' }, videoId(randomUUID()));
    for (const body of ['first', 'second']) await db.ledger.keepAnswer(tenant.accountId, 'k', { status: 200, body });
    expect(await db.ledger.admitGeneration(request(tenant, 'k'))).toMatchObject({ outcome: 'replay', answer: 'first' });
  });
});
