import { type Books, openBooks } from '../harness/support/database.ts';
import { openDatabase } from '../../store/index.ts';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createPool, type Pool } from '../../store/index.ts';
import { migrate } from '../../migrations/runner.ts';
import { PRICE, admit, openTenant } from '../harness/support/database.ts';

/** Holdfast in the database of somebody's app, whose role owns both and whose tables are in `public`. */

const name = `test_${randomUUID().replaceAll('-', '')}`;
const owner = `app_${randomUUID().slice(0, 8)}`;
const { superuser, service } = inject('postgres');
const at = (url: string, database: string) => url.replace(/DATABASE$/, database);
const as = (username: string) => Object.assign(new URL(at(superuser, name)), { username, password: 'secret' }).href;

/** What an app could have in `public`, each a better match than what our functions call by the same name. */
const PLANTED = `
  CREATE TABLE accounts (email text PRIMARY KEY);
  INSERT INTO accounts VALUES ('somebody@app.example');
  CREATE TABLE schema_migrations (version text PRIMARY KEY);
  CREATE TABLE generations (id integer);
  CREATE FUNCTION lock_generation(text) RETURNS generations LANGUAGE plpgsql AS 'BEGIN RAISE ''called''; END';
  CREATE FUNCTION make_interval(secs integer) RETURNS interval LANGUAGE plpgsql AS 'BEGIN RAISE ''called''; END';
  CREATE FUNCTION later(bigint, interval) RETURNS interval LANGUAGE plpgsql AS 'BEGIN RAISE ''called''; END';
  CREATE OPERATOR * (LEFTARG = bigint, RIGHTARG = interval, FUNCTION = later);
  GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC`;

let cluster: pg.Client;
let app: pg.Client;
let pool: Pool;
let ledger: Books;

beforeAll(async () => {
  cluster = new pg.Client({ connectionString: at(superuser, 'postgres') });
  await cluster.connect();
  await cluster.query(
    `CREATE ROLE ${owner} LOGIN PASSWORD 'secret'; GRANT holdfast_service TO ${owner} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE`,
  );
  await cluster.query(`ALTER ROLE ${owner} CREATEROLE`);
  await cluster.query(`CREATE DATABASE ${name} OWNER ${owner}`);
  app = new pg.Client({ connectionString: as(owner) });
  await app.connect();
  await app.query(PLANTED);
  await migrate({ ownerUrl: as(owner), serviceUrl: at(service, name) });
  pool = createPool({ databaseUrl: at(service, name), size: 2, applicationName: 'test', onError: () => undefined });
  ledger = openBooks(openDatabase(pool));
});
afterAll(async () => {
  await Promise.all([pool.end(), app.end()]);
  await cluster.query(`DROP DATABASE ${name} WITH (FORCE)`);
  await cluster.query(`DROP ROLE ${owner}`);
  await cluster.end();
});

describe('an app with tables of the same names', () => {
  it('keeps its search path, its tables and its rights, and gets nothing new in public', async () => {
    const again = new pg.Client({ connectionString: as(owner) });
    await again.connect();
    try {
      expect((await again.query('SHOW search_path')).rows).toEqual([{ search_path: '"$user", public' }]);
      expect((await again.query('SELECT * FROM accounts')).rows).toEqual([{ email: 'somebody@app.example' }]);
      const { rows } = await again.query(`SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND relkind IN ('r', 'v') ORDER BY 1`);
      expect(rows.map(({ relname }) => relname)).toEqual(['accounts', 'generations', 'schema_migrations']);
      const acl = await again.query(`SELECT datacl FROM pg_database WHERE datname = current_database()`);
      expect(acl.rows).toEqual([{ datacl: null }]);
    } finally {
      await again.end();
    }
  });

  it('is not read by the service, nor are its functions and operators called by ours', async () => {
    const tenant = await openTenant({ ledger }, PRICE);
    const id = await admit({ ledger }, tenant);
    const held = await ledger.placeHold(id, 3600);
    expect(held).toMatchObject({ outcome: 'held' });
    await ledger.beginAttempt(id, [{ identity: 'openai@http://provider' }]);
    await ledger.endAttempt(id, 1, { outcome: 'created', providerVideoId: 'a_video', providerCreatedAt: null });
    expect((await pool.query('SELECT count(*)::integer AS accounts FROM accounts')).rows).toEqual([{ accounts: 1 }]);
    expect((await pool.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
  });

  it('gives others nothing in our schema, not even a look', async () => {
    const { rows } = await app.query(`SELECT a.grantee::regrole::text AS grantee, a.privilege_type AS privilege
      FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = 'holdfast' AND a.grantee <> n.nspowner`);
    expect(rows).toEqual([{ grantee: 'holdfast_service', privilege: 'USAGE' }]);
    expect(await ledger.compareRights()).toEqual({ beyond: [], missing: [] });
  });
});
