import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import pg from 'pg';
import { inject } from 'vitest';
import type { Pool } from '../../ledger/index.ts';
import { createPool } from '../../ledger/index.ts';
import { dumpSchema } from '../../migrations/dump.ts';
import type { MigrateOptions } from '../../migrations/runner.ts';
import { migrate } from '../../migrations/runner.ts';
import { fillFirstLedger, isFirst } from './firstLedger.ts';

const migrations = fileURLToPath(new URL('../../migrations/', import.meta.url));

export interface OpenDatabase {
  readonly admin: pg.Pool;
  /** As the service's role. */
  readonly service: Pool;
  /** For `migrate`, as the database's owner, who is no superuser. */
  readonly target: MigrateOptions;
}

export interface UpgradeSite {
  /** What the first version's database was filled with. */
  readonly filled: Awaited<ReturnType<typeof fillFirstLedger>>;
  readonly before: Contents;
  /** Another database with the first version's schema and the very same rows. */
  readonly cloneOld: () => Promise<OpenDatabase>;
  /** A folder with some of the migrations, for a test to spoil; it goes with the site. */
  readonly copyMigrations: (which: (name: string) => boolean) => Promise<URL>;
  readonly close: () => Promise<void>;
}

/** Makes a database by the first migrations alone, and fills it by the functions of that time. */
export async function openUpgradeSite(): Promise<UpgradeSite> {
  const { superuser, service } = inject('postgres');
  const at = (url: string, database: string) => url.replace(/DATABASE$/, database);
  const cluster = new pg.Client({ connectionString: at(superuser, 'postgres') });
  await cluster.connect();
  const [names, folders, opened]: [string[], string[], OpenDatabase[]] = [[], [], []];

  const create = async (from: string): Promise<string> => {
    const name = `test_${randomUUID().replaceAll('-', '')}`;
    await cluster.query(`CREATE DATABASE ${name} OWNER holdfast_owner ${from}`);
    names.push(name);
    return name;
  };
  const open = (name: string): OpenDatabase => {
    const options = { databaseUrl: at(service, name), size: 4, applicationName: 'test', onError: () => undefined };
    const owner = `${at(superuser, name)}?options=-c%20role%3Dholdfast_owner`;
    const admin = new pg.Pool({ connectionString: at(superuser, name), max: 4 });
    return { admin, service: createPool(options), target: { ownerUrl: owner, serviceUrl: service } };
  };
  const end = ({ admin, service }: OpenDatabase) => Promise.all([admin.end(), service.end()]);
  const copyMigrations = async (which: (name: string) => boolean): Promise<URL> => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-migrations-'));
    folders.push(folder);
    for (const name of (await migrationNames()).filter(which)) await cp(join(migrations, name), join(folder, name));
    return pathToFileURL(`${folder}/`);
  };

  const name = await create('');
  const old = open(name);
  await migrate({ ...old.target, folder: await copyMigrations(isFirst) });
  const filled = await fillFirstLedger(old.service, old.admin);
  const before = await lookAt(old);
  // Nobody may be connected to what is cloned.
  await end(old);
  return {
    filled,
    before,
    cloneOld: async () => {
      const clone = open(await create(`TEMPLATE ${name}`));
      opened.push(clone);
      return clone;
    },
    copyMigrations,
    close: async () => {
      await Promise.all(opened.map(end));
      for (const each of names) await cluster.query(`DROP DATABASE ${each} WITH (FORCE)`);
      await cluster.end();
      await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
    },
  };
}

export async function migrationNames(): Promise<string[]> {
  return (await readdir(migrations)).filter((name) => /^\d{4}_.*\.sql$/.test(name)).sort();
}

type Row = Record<string, unknown>;

/** The schema, and every row of every table. */
export interface Contents {
  readonly schema: string;
  readonly rows: Readonly<Record<string, Row[]>>;
}

export async function lookAt({ admin }: Pick<OpenDatabase, 'admin'>): Promise<Contents> {
  const client = await admin.connect();
  try {
    const schema = await dumpSchema(client);
    const tables = await client.query<{ name: string }>(
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`,
    );
    const rows: Record<string, Row[]> = {};
    for (const { name } of tables.rows) rows[name] = await rowsOf(client, name);
    return { schema, rows };
  } finally {
    client.release();
  }
}

export async function rowsOf(client: pg.ClientBase | pg.Pool, relation: string): Promise<Row[]> {
  const sql = `SELECT to_jsonb(t) AS row FROM ${relation} t ORDER BY to_jsonb(t)::text`;
  return (await client.query<{ row: Row }>(sql)).rows.map(({ row }) => row);
}
