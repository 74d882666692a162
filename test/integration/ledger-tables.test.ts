import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase, Tenant } from '../harness/support/database.ts';
import { PRICE, admit, createTestDatabase, openTenant } from '../harness/support/database.ts';
import { FINISHED, OPEN, ledgerSteps } from '../harness/support/ledgerSteps.ts';

/** The last line: rows that no function of ours would write, refused by the tables themselves, also for a superuser. */

let db: TestDatabase;
let tenant: Tenant;
let other: Tenant;
/** Generations by what became of them. */
let ids: Record<'requested' | 'requestedToo' | 'held' | 'open' | 'charged', string>;

beforeAll(async () => {
  db = await createTestDatabase(5);
  const { seen, held, begin, settle } = ledgerSteps(() => db);
  tenant = await openTenant(db, 10 * PRICE);
  other = await openTenant(db, 0);
  const freeze = { accountId: tenant.accountId, frozen: false, reason: 'r', idempotencyKey: 'freeze' };
  await db.ledger.setAccountFrozen(freeze);
  const [open, charged] = [await held(), await seen(FINISHED)];
  await begin(open.id);
  await settle(charged.id, 'completed');
  const back = { generationId: charged.id, amountMicrocredits: 100, reason: 'r', idempotencyKey: 'k' };
  await db.ledger.refundGeneration(back);
  const [requested, requestedToo] = [await admit(db, tenant), await admit(db, tenant)];
  ids = { requested, requestedToo, held: (await seen(OPEN)).id, open: open.id, charged: charged.id };
  await db.admin.query(
    "INSERT INTO generation_labels (generation_id, account_id, place, name, value) VALUES ($1, $2, 1, 'project', 'x')",
    [ids.open, tenant.accountId],
  );
  await db.admin.query(
    'INSERT INTO idempotency_keys (account_id, key, fingerprint, generation_id) SELECT account_id, $2, fingerprint, id FROM generations WHERE id = $1',
    [ids.requested, 'k'],
  );
});
afterAll(async () => {
  await db.drop();
});

/** What refuses a statement: the constraint's name, or else the SQLSTATE. 'accepted' otherwise; whatever it did is rolled back. */
async function refusal(sql: string, values: unknown[] = []): Promise<string | undefined> {
  const client = await db.admin.connect();
  try {
    await client.query('BEGIN');
    await client.query(sql, values);
    return 'accepted';
  } catch (error) {
    const { constraint, code } = error as { constraint?: string; code?: string };
    return constraint ?? code;
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

/** Writes a row like one that is there, but for these columns. */
const forge = (table: string, where: string, changes: Record<string, unknown>) =>
  refusal(
    `INSERT INTO ${table} OVERRIDING SYSTEM VALUE
     SELECT (jsonb_populate_record(t, $1)).* FROM ${table} t WHERE ${where} LIMIT 1`,
    [JSON.stringify(changes)],
  );

const hex = () => randomUUID().replaceAll('-', '');
const NOW = '2026-01-01T00:00:00Z';
const BEYOND = String(2n ** 53n);

const VIDEO = {
  provider: 'x',
  provider_video_id: 'a video',
  provider_canonical_id: 'a video',
  provider_verdict: 'open',
};

describe('a generation', () => {
  const base = () => ({ id: `video_${hex()}` });
  const like = (changes: object) => forge('generations', `id = '${ids.requested}'`, { ...base(), ...changes });

  it.each([
    ['like another', {}, 'accepted'],
    ['twice', { id: 'requested' }, 'generations_pkey'],
    ['of a state that nobody knows', { state: 'paid' }, 'generations_state_known'],
    ['that says charged and has no charge', { state: 'charged' }, 'generations_state_matches'],
    ['for nothing', { amount_microcredits: 0 }, 'generations_amount_microcredits_range'],
    ['for more than 2^53 − 1', { amount_microcredits: BEYOND }, 'generations_amount_microcredits_range'],
    ['with a verdict and no video', { provider_verdict: 'completed' }, 'generations_video_fields'],
    ['with a video and no verdict', { ...VIDEO, provider_verdict: null }, 'generations_video_fields'],
    ['with a video without its canonical id', { ...VIDEO, provider_canonical_id: null }, 'generations_video_fields'],
    ['with a video of no provider', { ...VIDEO, provider: null }, 'generations_video_has_provider'],
  ])('%s', async (_, changes, refused) => {
    expect(await like('id' in changes ? { id: ids.requested } : changes)).toBe(refused);
  });

  it("by another account's key", async () => {
    expect(await like({ api_key_id: other.apiKeyId })).toBe('generations_api_key_id_account_id_fkey');
    expect(await like({ account_id: other.accountId })).toBe('generations_api_key_id_account_id_fkey');
  });

  it("with another generation's video", async () => {
    const { rows } = await db.admin.query<{ video: string; provider: string }>(
      'SELECT provider_canonical_id AS video, provider FROM generations WHERE id = $1',
      [ids.charged],
    );
    const video = { provider_canonical_id: rows[0]?.video, provider: rows[0]?.provider };
    expect(await like({ ...VIDEO, ...video })).toBe('generations_provider_video');
    const renamed = video.provider?.replace(/^[^@]+/, 'renamed');
    expect(await like({ ...VIDEO, ...video, provider: renamed })).toBe('generations_provider_video');
    expect(await like({ ...VIDEO, ...video, provider: `${renamed}:1` })).toBe('accepted');
  });

  it('skips no state', async () => {
    const skip = (id: string, assignments: string) =>
      refusal(`UPDATE generations SET ${assignments} WHERE id = $1`, [id]);
    const charge = `state = 'charged', credits_charged = true, charged_amount_microcredits = 1, settled_at = now(), settlement_reason = 'completed'`;
    expect(await skip(ids.requested, charge)).toBe('HF004');
    expect(await skip(ids.held, "state = 'voided', refusal_code = 'x'")).toBe('HF004');
    expect(await skip(ids.held, "state = 'requested'")).toBe('HF004');
    expect(await skip(ids.held, charge)).toBe('accepted');
  });
});

describe('a hold', () => {
  it.each([
    ['of another generation', {}, 'accepted'],
    ['of a generation that has one', { generation_id: 'held' }, 'holds_generation_id_key'],
    ['of nothing', { amount_microcredits: 0 }, 'holds_amount_microcredits_range'],
    ['of more than 2^53 − 1', { amount_microcredits: BEYOND }, 'holds_amount_microcredits_range'],
    ['that ends before it begins', { expires_at: NOW }, 'holds_expire_later'],
    ['of a state that nobody knows', { state: 'lost', settled_at: NOW }, 'holds_state_known'],
    ['that is active and settled', { settled_at: NOW }, 'holds_settled'],
    ['that is captured and not settled', { state: 'captured' }, 'holds_settled'],
  ])('%s', async (_, changes, refused) => {
    const generation_id = 'generation_id' in changes ? ids.held : ids.requested;
    const like = { id: `hold_${hex()}`, ...changes, generation_id };
    expect(await forge('holds', `generation_id = '${ids.held}'`, like)).toBe(refused);
  });
});

/** Where only the number of what a row is like differs from test to test. */
const cases = (table: string, where: () => string, base: object, list: [string, Record<string, unknown>, string][]) =>
  it.each(list)(`${table}: %s`, async (_, changes, refused) => {
    expect(await forge(table, where(), { ...base, ...changes })).toBe(refused);
  });

describe('what nobody writes', () => {
  const ofTenant = () => `account_id = '${tenant.accountId}'`;
  const ofCharged = () => `generation_id = '${ids.charged}'`;
  /** The first journal transaction that no row of the table refers to. */
  const unused = async (table: string) =>
    (
      await db.admin.query<{ id: number }>(
        `SELECT id::integer FROM journal_transactions WHERE id NOT IN (SELECT transaction_id FROM ${table} WHERE transaction_id IS NOT NULL) LIMIT 1`,
      )
    ).rows[0]?.id;

  cases('accounts', () => `id = '${tenant.accountId}'`, { id: `acct_${hex()}` }, [
    ['like another', {}, 'accepted'],
    ['with less than nothing active', { active_generations: -1 }, 'accounts_active_generations_not_negative'],
  ]);

  cases('journal_transactions', ofTenant, { id: 1_000_000, key: 'another' }, [
    ['like another', {}, 'accepted'],
    ['the same movement', { key: undefined }, 'journal_transactions_key'],
  ]);

  const label = () => ({ generation_id: ids.open, place: 2, name: 'another', value: 'x' });
  it.each([
    ['of 64 characters', { name: '😀'.repeat(64) }, 'accepted'],
    ['of 65', { name: 'x'.repeat(65) }, 'generation_labels_name_length'],
    ['without a name', { name: '' }, 'generation_labels_name_length'],
    ['of two lines', { name: 'a\nb' }, 'generation_labels_name_is_plain'],
    ['with a value of 512', { name: '😀'.repeat(64), value: '😀'.repeat(512) }, 'accepted'],
    ['with a value of 513', { value: 'x'.repeat(513) }, 'generation_labels_value_length'],
    ['with a value of two lines', { value: 'a\rb' }, 'generation_labels_value_is_plain'],
    ['that is the sixteenth', { place: 16 }, 'accepted'],
    ['that is one too many', { place: 17 }, 'generation_labels_place_range'],
    ['before the user', { place: -1 }, 'generation_labels_place_range'],
    ['a second time', { place: 1 }, 'generation_labels_pkey'],
    ['with a value twice', { name: 'project' }, 'generation_labels_listed'],
    ['a user', { place: 0, name: '', value: '😀'.repeat(64) }, 'accepted'],
    ['a user with a name', { place: 0 }, 'generation_labels_name_length'],
    ['a user of 65', { place: 0, name: '', value: 'x'.repeat(65) }, 'generation_labels_value_length'],
    ['an empty user', { place: 0, name: '', value: '' }, 'generation_labels_value_length'],
  ])('generation_labels: %s', async (_, changes, refused) => {
    expect(await forge('generation_labels', `generation_id = '${ids.open}'`, { ...label(), ...changes })).toBe(refused);
  });

  const freeze = { key: 'another' };
  cases('account_operations', () => `${ofTenant()} AND key = 'freeze'`, freeze, [
    ['like another', {}, 'accepted'],
    ['the same key', { key: 'freeze' }, 'account_operations_pkey'],
    ['a freeze with an amount', { requested_microcredits: 5 }, 'account_operations_amount'],
    ['a grant without an amount', { kind: 'grant' }, 'account_operations_amount'],
    [
      'granted, and no movement',
      { kind: 'grant', requested_microcredits: 5, outcome: 'granted' },
      'account_operations_movement',
    ],
    ['a movement, and nothing granted', { moved_microcredits: 5 }, 'account_operations_movement'],
  ]);
  it('account_operations: one movement twice', async () => {
    const grant = `${ofTenant()} AND key = 'first'`;
    expect(await forge('account_operations', grant, { key: 'another' })).toBe('account_operations_transaction_id_key');
    const transaction_id = await unused('account_operations');
    expect(await forge('account_operations', grant, { key: 'another', transaction_id })).toBe('accepted');
  });

  it.each([
    ['like another', {}, 'accepted'],
    ['the same key', { key: 'k' }, 'refunds_pkey'],
    ['that knows nothing of the one before', { refunded_before_microcredits: 0 }, 'refunds_one_after_another'],
    ['of more than was captured', { amount_microcredits: PRICE - 99 }, 'refunds_never_more_than_captured'],
    ['of nothing', { amount_microcredits: 0 }, 'refunds_amount_microcredits_positive'],
    [
      'after less than nothing',
      { refunded_before_microcredits: -1 },
      'refunds_refunded_before_microcredits_not_negative',
    ],
    ['asked for with nothing', { requested_microcredits: 0 }, 'refunds_requested_microcredits_positive'],
    ['of the same movement', { transaction_id: 'the same' }, 'refunds_transaction_id_key'],
  ])('refunds: %s', async (_, changes, refused) => {
    const movement = 'transaction_id' in changes ? {} : { transaction_id: await unused('refunds') };
    const like = {
      key: 'another',
      refunded_before_microcredits: 100,
      ...changes,
      transaction_id: undefined,
      ...movement,
    };
    expect(await forge('refunds', ofCharged(), like)).toBe(refused);
  });

  const price = { id: 1_000_000, key: 'another', effective_from: NOW };
  cases('prices', () => "model = 'sora-2' AND size = '720x1280'", price, [
    ['like another', {}, 'accepted'],
    ['at the same moment', { effective_from: undefined }, 'prices_model_size_effective_from_key'],
    ['for nothing', { provider_cost_microcredits_per_second: 0 }, 'prices_provider_cost_microcredits_per_second_range'],
    ['below its cost', { margin_basis_points: -1 }, 'prices_margin_basis_points_range'],
    [
      'of a minute above 2^53 − 1',
      { provider_cost_microcredits_per_second: 10 ** 12, margin_basis_points: 9999 },
      'prices_exact',
    ],
  ]);
  it('prices: one key twice', async () => {
    const two = `INSERT INTO prices (model, size, provider_cost_microcredits_per_second, margin_basis_points, key)
      VALUES ('a', 'a', 1, 0, 'k'), ('b', 'b', 1, 0, 'k')`;
    expect(await refusal(two)).toBe('prices_key');
  });

  const ended = { number: 2, outcome: 'not_made', ended_at: NOW };
  cases('provider_attempts', () => `generation_id = '${ids.open}'`, ended, [
    ['another that ended', {}, 'accepted'],
    ['of the same number', { number: 1 }, 'provider_attempts_pkey'],
    ['another that is open', { outcome: null, ended_at: null }, 'provider_attempts_one_open'],
    ['ended without an outcome', { outcome: null }, 'provider_attempts_ended'],
    ['of an outcome that nobody knows', { outcome: 'maybe' }, 'provider_attempts_outcome_known'],
  ]);

  cases('idempotency_keys', ofTenant, { key: 'another' }, [
    ['like another', {}, 'accepted'],
    ['the same key', { key: 'k' }, 'idempotency_keys_pkey'],
    ['that leads nowhere', { generation_id: null, answer_status: 200 }, 'idempotency_keys_leads_somewhere'],
  ]);
});

describe('what is written stays', () => {
  it.each([
    ["UPDATE provider_attempts SET outcome = 'not_made' WHERE outcome IS NOT NULL"],
    ['DELETE FROM provider_attempts'],
    ['TRUNCATE provider_attempts'],
    ['UPDATE refunds SET amount_microcredits = 1'],
  ])('%s', async (sql) => {
    expect(await refusal(sql)).toBe('HF004');
  });

  it('a key ends sooner than it was to, never later', async () => {
    const end = (when: string) => `UPDATE api_keys SET expires_at = ${when} WHERE id = '${other.apiKeyId}'`;
    expect(await refusal(`${end('now()')}; ${end("now() - interval '1 s'")}`)).toBe('accepted');
    for (const later of ['NULL', "now() + interval '1 s'"]) {
      expect(await refusal(`${end('now()')}; ${end(later)}`)).toBe('HF004');
    }
  });

  it('whose limits a hold counts against', async () => {
    const spending = (id: string) =>
      `INSERT INTO api_key_spending SELECT k.id, k.account_id, now(), 0, now(), 0 FROM api_keys k WHERE k.id = '${id}'`;
    const count = (id: string) => `UPDATE generations SET limited_key = '${id}' WHERE id = '${ids.held}'`;
    const both = `${spending(tenant.apiKeyId)}; ${spending(other.apiKeyId)}; ${count(tenant.apiKeyId)}`;
    expect(await refusal(both)).toBe('accepted');
    expect(await refusal(`${both}; ${count(other.apiKeyId)}`)).toBe('HF004');
  });

  it('a revoked key never comes back', async () => {
    const revoke = `UPDATE api_keys SET revoked_at = now() WHERE id = '${other.apiKeyId}'`;
    expect(await refusal(revoke)).toBe('accepted');
    expect(await refusal(`${revoke}; UPDATE api_keys SET revoked_at = NULL WHERE id = '${other.apiKeyId}'`)).toBe(
      'HF004',
    );
  });
});

describe('ledger_drift shows', () => {
  const drift = async (sql: string) => {
    const client = await db.admin.connect();
    try {
      await client.query(`BEGIN; SET LOCAL session_replication_role = replica; ${sql}`);
      const { rows } = await client.query<{ what: string }>('SELECT what FROM ledger_drift ORDER BY what');
      return rows.map(({ what }) => what.replace(/^(journal transaction) \d+$/, '$1'));
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  };

  it('nothing, while nobody has tampered', async () => {
    expect(await drift('SELECT')).toEqual([]);
  });

  it('what was done to refunds', async () => {
    const refund = `refund ${ids.charged}:refund:k`;
    expect(await drift('UPDATE refunds SET amount_microcredits = 1')).toEqual([refund]);
    expect(await drift('DELETE FROM refunds')).toEqual([refund]);
    const less = `UPDATE generations SET charged_amount_microcredits = 1 WHERE id = '${ids.charged}'`;
    expect(await drift(less)).toEqual([`charge of ${ids.charged}`, `refunds of ${ids.charged}`]);
  });

  it('a movement that went to another account', async () => {
    const move = (kind: string) =>
      drift(`UPDATE journal_transactions SET account_id = '${other.accountId}' WHERE kind = '${kind}'`);
    expect(await move('refund')).toContain(`refund ${ids.charged}:refund:k`);
    expect(await move('grant')).toContain(`operation grant:${tenant.accountId}:first`);
  });

  it("a charge without the provider's word, and a movement without its hold", async () => {
    const unsaid = `UPDATE generations SET provider_verdict = 'failed' WHERE id = '${ids.charged}'`;
    expect(await drift(unsaid)).toEqual([`charge without the provider's word ${ids.charged}`]);
    expect(await drift(`DELETE FROM holds WHERE generation_id = '${ids.charged}'`)).toEqual(
      expect.arrayContaining([
        `journal without a hold ${ids.charged}:hold`,
        `journal without a hold ${ids.charged}:settle`,
      ]),
    );
  });

  it('a transaction out of balance', async () => {
    const unbalanced = `ALTER TABLE journal_transactions DROP CONSTRAINT IF EXISTS journal_transactions_sum_to_zero;
      UPDATE journal_transactions SET revenue_microcredits = 0 WHERE kind = 'refund'`;
    expect(await drift(unbalanced)).toEqual(['journal transaction']);
  });
});
