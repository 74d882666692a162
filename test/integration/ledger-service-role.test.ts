import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase, Tenant } from '../harness/support/database.ts';
import { PRICE, admit, createTestDatabase, openTenant } from '../harness/support/database.ts';

/** What someone can do who has nothing but the service's connection to the database (MR-85): call, and never write. */

let db: TestDatabase;
let tenant: Tenant;
let heldId: string;

const MONEY_TABLES = [
  'accounts',
  'api_keys',
  'api_key_spending',
  'journal_transactions',
  'journal_entries',
  'account_operations',
  'refunds',
  'prices',
  'generations',
  'inputs',
  'generation_labels',
  'text_requests',
  'holds',
  'provider_attempts',
  'generation_events',
  'contents',
];

beforeAll(async () => {
  db = await createTestDatabase(5);
  tenant = await openTenant(db, 10 * PRICE);
  heldId = await admit(db, tenant);
  await db.ledger.placeHold(heldId, 3600);
});
afterAll(async () => {
  await db.drop();
});
afterEach(async () => {
  expect((await db.pool.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
});

/** The SQLSTATE that a statement is refused with; 'accepted' otherwise. Whatever it did is rolled back. */
async function refusal(sql: string): Promise<string | undefined> {
  const client = await db.pool.connect();
  try {
    await client.query('BEGIN');
    await client.query(sql);
    return 'accepted';
  } catch (error) {
    return (error as { code?: string }).code;
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

describe("the service's role", () => {
  it('has no right to write to a table of money but to add, end and revoke keys', async () => {
    const { rows } = await db.admin.query<{ granted: string }>(
      `SELECT t || ' ' || p AS granted FROM unnest($1::text[]) t, unnest('{INSERT,UPDATE,DELETE,TRUNCATE,TRIGGER,REFERENCES}'::text[]) p
       WHERE has_table_privilege('holdfast_service', t, p)`,
      [MONEY_TABLES],
    );
    expect(rows).toEqual([]);
    const columns = await db.admin.query<{ granted: string }>(
      `SELECT c.relname || ' ' || p || ' ' || a.attname AS granted
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid, unnest('{INSERT,UPDATE,REFERENCES}'::text[]) p
       WHERE c.relname = ANY($1) AND c.relnamespace = 'holdfast'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
         AND has_column_privilege('holdfast_service', c.oid, a.attnum, p) ORDER BY 1`,
      [MONEY_TABLES],
    );
    expect(columns.rows.map(({ granted }) => granted)).toEqual([
      'api_keys INSERT account_id',
      'api_keys INSERT daily_limit_microcredits',
      'api_keys INSERT expires_at',
      'api_keys INSERT id',
      'api_keys INSERT key_sha256',
      'api_keys INSERT monthly_limit_microcredits',
      'api_keys INSERT name',
      'api_keys INSERT requests_per_minute',
      'api_keys INSERT scopes',
      'api_keys INSERT spends_as',
      'api_keys UPDATE expires_at',
      'api_keys UPDATE revoked_at',
    ]);
  });

  it('owns nothing, is a member of nothing, and may make nothing in the schema, nor a schema', async () => {
    const { rows } = await db.admin.query(
      `SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication,
         (SELECT count(*)::integer FROM pg_class WHERE relowner = r.oid) AS owned,
         (SELECT count(*)::integer FROM pg_auth_members WHERE member = r.oid) AS memberships,
         has_schema_privilege(r.oid, 'holdfast', 'CREATE') AS creates, has_database_privilege(r.oid, current_database(), 'CREATE') AS schemas
       FROM pg_roles r WHERE rolname = 'holdfast_service'`,
    );
    expect(rows).toEqual([
      {
        rolsuper: false,
        rolcreaterole: false,
        rolcreatedb: false,
        rolbypassrls: false,
        rolreplication: false,
        owned: 0,
        memberships: 0,
        creates: false,
        schemas: false,
      },
    ]);
  });

  it.each([
    'UPDATE accounts SET available_microcredits = 1000000000',
    'UPDATE accounts SET max_active_generations = 1000000, frozen_at = NULL',
    "INSERT INTO accounts (id, name, available_microcredits) VALUES ('acct_00000000000000000000000000000001', 'x', 5)",
    "INSERT INTO journal_transactions (key, kind, account_id, requested_microcredits) SELECT 'x', 'grant', id, 5 FROM accounts",
    "INSERT INTO journal_entries SELECT 1, id, 'available', 5 FROM accounts",
    "UPDATE generations SET state = 'released'",
    "UPDATE generations SET provider_verdict = 'completed'",
    'INSERT INTO generations SELECT * FROM generations',
    "UPDATE holds SET state = 'released', settled_at = now()",
    'UPDATE holds SET expires_at = now()',
    "UPDATE provider_attempts SET outcome = 'refused', ended_at = now()",
    'DELETE FROM generations',
    'DELETE FROM holds',
    'DELETE FROM generation_events',
    'TRUNCATE journal_transactions',
    'UPDATE journal_entries SET amount_microcredits = 1',
    'DELETE FROM journal_entries',
    'DELETE FROM journal_transactions',
    'INSERT INTO refunds SELECT * FROM refunds',
    'UPDATE account_operations SET moved_microcredits = 1',
    "INSERT INTO prices (model, size, provider_cost_microcredits_per_second, margin_basis_points) VALUES ('sora-2', '720x1280', 1, 0)",
    'UPDATE prices SET margin_basis_points = 0',
    'UPDATE api_keys SET account_id = account_id',
    'UPDATE api_keys SET daily_limit_microcredits = NULL',
    "UPDATE api_keys SET scopes = '{}'",
    'UPDATE api_key_spending SET day_microcredits = 0',
    'DELETE FROM api_keys',
    'UPDATE inputs SET prompt = $$x$$',
    "UPDATE text_requests SET request = '{}'",
    'SELECT * FROM accounts FOR UPDATE',
    'SELECT * FROM generations FOR SHARE',
    'LOCK TABLE accounts IN EXCLUSIVE MODE',
    'SET session_replication_role = replica',
    'SET ROLE holdfast_owner',
    'SET SESSION AUTHORIZATION postgres',
    'ALTER TABLE generations DISABLE TRIGGER ALL',
    'DROP TRIGGER generations_guard ON generations',
    'ALTER TABLE accounts DROP CONSTRAINT accounts_available_range',
    'CREATE TABLE holdfast.x ()',
    'CREATE SCHEMA x',
    "CREATE FUNCTION holdfast.x() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION holdfast.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    'ALTER FUNCTION place_hold SECURITY INVOKER',
    'COPY journal_entries FROM PROGRAM $$true$$',
  ])('is refused: %s', async (sql) => {
    expect(await refusal(sql)).toMatch(/^(42501|42704|22023)$/);
  });

  it.each([
    'post_transaction',
    'free_slot',
    'append_event',
    'lock_generation',
    'milliseconds_until',
    'refuse_change',
    'guard_generation',
    'guard_hold',
    'return_spending',
    'spend_within_limits',
  ])('is refused the internal %s()', async (name) => {
    const { rows } = await db.admin.query<{ call: string; allowed: boolean }>(
      `SELECT has_function_privilege('holdfast_service', oid, 'EXECUTE') AS allowed, 'SELECT ' || proname || '(' || array_to_string(ARRAY(SELECT 'NULL::' || format_type(t, NULL) FROM unnest(proargtypes) t), ', ') || ')' AS call
         FROM pg_proc WHERE proname = $1 AND pronamespace = 'holdfast'::regnamespace`,
      [name],
    );
    expect(rows).toEqual([expect.objectContaining({ allowed: false })]);
    expect(await refusal(rows[0]?.call ?? '')).toBe('42501');
  });

  it('no function is for PUBLIC, and those that run as their owner have a fixed search path that ends in pg_temp', async () => {
    const { rows } = await db.admin.query(
      `SELECT proname FROM pg_proc WHERE pronamespace = 'holdfast'::regnamespace
         AND (EXISTS (SELECT FROM aclexplode(COALESCE(proacl, acldefault('f', proowner))) WHERE grantee = 0)
           OR NOT COALESCE(proconfig, '{}') @> '{"search_path=pg_catalog, holdfast, pg_temp"}')`,
    );
    expect(rows).toEqual([]);
    const open = await db.admin.query(
      `SELECT relname FROM pg_class WHERE relnamespace = 'holdfast'::regnamespace AND EXISTS (SELECT FROM aclexplode(relacl) WHERE grantee = 0)`,
    );
    expect(open.rows).toEqual([]);
  });

  it('fools no function with a temporary table or function of the same name', async () => {
    const client = await db.pool.connect();
    try {
      await client.query(`CREATE TEMP TABLE accounts AS SELECT * FROM holdfast.accounts;
        UPDATE pg_temp.accounts SET available_microcredits = 9e15;
        CREATE TEMP TABLE generations AS SELECT * FROM holdfast.generations;
        CREATE FUNCTION pg_temp.lock_generation(text) RETURNS holdfast.generations LANGUAGE sql AS 'SELECT * FROM pg_temp.generations LIMIT 1';
        SET search_path = pg_temp, holdfast`);
      await expect(
        client.query('SELECT holdfast.settle_generation($1, $2)', [heldId, 'provider_failed']),
      ).rejects.toMatchObject({ code: 'HF003' });
      const { rows } = await client.query<{ grant: string }>(
        `SELECT holdfast.grant_credits('${tenant.accountId}', -9007199254740991, 'r', 'all')::text AS grant`,
      );
      expect(rows[0]?.grant).toContain(`,${-9 * PRICE},0,f)`);
      await client.query(`SELECT holdfast.grant_credits('${tenant.accountId}', ${9 * PRICE}, 'r', 'back')`);
    } finally {
      client.release(true);
    }
  });
});
