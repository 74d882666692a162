import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { verifyLedger } from '../../ledger/index.ts';
import { createPool, openDatabase, type Pool } from '../../store/index.ts';
import { dumpSchema } from '../../migrations/dump.ts';
import { migrate } from '../../migrations/runner.ts';
import { openBooks } from '../harness/support/database.ts';
import { WITH_SEARCH_PATH } from '../harness/support/template.ts';

/** Databases of earlier releases with data in every state, as test/harness/upgrades/write.ts wrote them. */

const folder = new URL('../harness/upgrades/', import.meta.url);
const bases = (await readdir(folder)).filter((file) => file.endsWith('.sql.gz'));

describe.each(bases)('the database of %s', (base) => {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const { superuser, service } = inject('postgres');
  const at = (url: string, database: string) => url.replace(/DATABASE$/, database);
  const cluster = new pg.Client({ connectionString: at(superuser, 'postgres') });
  const admin = new pg.Client({ connectionString: at(superuser, name), options: WITH_SEARCH_PATH });
  const ownerUrl = `${at(superuser, name)}?options=-c%20role%3Dholdfast_owner`;
  let pool: Pool;
  let files: string[];
  let rowsOf: Record<string, number>;
  let applied: string[];

  beforeAll(async () => {
    await cluster.connect();
    await cluster.query(`CREATE DATABASE ${name} OWNER holdfast_owner`);
    const owner = new pg.Client({ connectionString: ownerUrl });
    await owner.connect();
    await owner.query('BEGIN');
    await owner.query(gunzipSync(await readFile(new URL(base, folder))).toString());
    await owner.query('COMMIT');
    await owner.end();
    await admin.connect();
    files = (await admin.query<{ name: string }>('SELECT name FROM schema_migrations')).rows.map((row) => row.name);
    rowsOf = await countRows();
    applied = await migrate({ ownerUrl, serviceUrl: at(service, name) });
    pool = createPool({ databaseUrl: at(service, name), size: 2, applicationName: 'test', onError: () => undefined });
  });
  afterAll(async () => {
    await Promise.all([pool.end(), admin.end()]);
    await cluster.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await cluster.end();
  });

  async function countRows(): Promise<Record<string, number>> {
    const { rows: tables } = await admin.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class WHERE relnamespace = 'holdfast'::regnamespace AND relkind = 'r'`,
    );
    const counts: Record<string, number> = {};
    for (const table of tables) counts[table.name] = (await admin.query(`SELECT FROM ${table.name}`)).rowCount ?? 0;
    return counts;
  }

  it('has rows in every table, and a generation in every state', async () => {
    expect(Object.entries(rowsOf).filter(([, count]) => count === 0)).toEqual([]);
    const { rows } = await admin.query<{ state: string }>('SELECT DISTINCT state FROM generations ORDER BY 1');
    expect(rows.map(({ state }) => state)).toEqual(['charged', 'held', 'refused', 'released', 'requested', 'voided']);
  });

  it('is brought to the newest schema, with every right', async () => {
    expect(applied.filter((file) => file.startsWith('tables/') && files.includes(file))).toEqual([]);
    expect(await migrate({ ownerUrl, serviceUrl: at(service, name) })).toEqual([]);
    const newest = new URL('../../migrations/schema.sql', import.meta.url);
    expect(await dumpSchema(admin)).toBe(await readFile(newest, 'utf8'));
    expect(await openBooks(openDatabase(pool)).compareRights()).toEqual({ beyond: [], missing: [] });
  });

  it('has every credit where it was, and goes on', async () => {
    expect((await verifyLedger(pool, () => undefined)).difference).toBeNull();
    const { rows } = await admin.query<{ id: string }>(
      `SELECT id FROM generations WHERE state = 'held' AND provider_verdict = 'completed' AND kind = 'video'`,
    );
    expect(rows).not.toEqual([]);
    for (const { id } of rows) {
      expect((await openBooks(openDatabase(pool)).settleGeneration(id, 'completed')).result).toBe('settled');
    }
    expect((await pool.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
  });
});
