import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFile, cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { dumpSchema } from '../../migrations/dump.ts';
import { migrate } from '../../migrations/runner.ts';
import type { TestDatabase } from '../support/database.ts';
import { createTestDatabase } from '../support/database.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

const at = (url: string, database: string) => url.replace(/DATABASE$/, database);

async function migrationNames(): Promise<string[]> {
  return (await readdir(join(root, 'migrations'))).filter((name) => /^\d{4}_.*\.sql$/.test(name)).sort();
}

describe('a migrated database', () => {
  let database: TestDatabase;
  let copy: string;
  let target: { ownerUrl: string; serviceUrl: string; folder: URL };

  beforeAll(async () => {
    database = await createTestDatabase();
    copy = await mkdtemp(join(tmpdir(), 'holdfast-migrations-'));
    await cp(join(root, 'migrations'), copy, { recursive: true });
    const name = new URL(database.url).pathname.slice(1);
    const ownerUrl = at(inject('postgres').superuser, name);
    target = { ownerUrl, serviceUrl: database.url, folder: pathToFileURL(`${copy}/`) };
  });
  afterAll(async () => {
    await database.drop();
    await rm(copy, { recursive: true });
  });

  async function dump(): Promise<string> {
    const client = await database.admin.connect();
    try {
      return await dumpSchema(client);
    } finally {
      client.release();
    }
  }

  it('has the schema of migrations/schema.sql', async () => {
    await expect(await dump()).toMatchFileSnapshot('../../migrations/schema.sql');
  });

  it('gives rights to nobody but its owner and the service', async () => {
    const grants = (await dump()).split('\n').filter((line) => line.startsWith('GRANT '));
    expect(grants.filter((line) => !line.endsWith(' TO holdfast_service;'))).toEqual([]);
  });

  it('refuses a migration that was edited after it was applied', async () => {
    const [edited = ''] = await migrationNames();
    await appendFile(join(copy, edited), '-- a later thought\n');
    await expect(migrate(target)).rejects.toThrow(`The migration ${edited} was edited after it was applied`);
  });

  it('refuses code that is older than the database', async () => {
    const newest = (await migrationNames()).at(-1) ?? '';
    await rm(join(copy, newest));
    await expect(migrate(target)).rejects.toThrow(`${newest}, which this version of Holdfast does not know`);
  });
});

describe('an empty database', () => {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const { superuser, service } = inject('postgres');
  const cluster = new pg.Client({ connectionString: at(superuser, 'postgres') });
  const blocker = new pg.Client({ connectionString: at(superuser, name) });

  beforeAll(async () => {
    await cluster.connect();
    await cluster.query(`CREATE DATABASE ${name}`);
    await blocker.connect();
  });
  afterAll(async () => {
    await blocker.end();
    await cluster.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await cluster.end();
  });

  /** `npm run migrate` as a process of its own; answers with what it applied. */
  async function migrateInProcess(): Promise<string[]> {
    const env = { ...process.env, DATABASE_URL: at(service, name), MIGRATE_DATABASE_URL: at(superuser, name) };
    const { stdout } = await run(process.execPath, ['--import', 'tsx', 'migrations/main.ts'], { cwd: root, env });
    return [...stdout.matchAll(/^applied (\S+)$/gm)].map(([, applied = '']) => applied);
  }

  it('gets each migration once from two processes that migrate it at once', async () => {
    // Both are held up at their beginning by a table that is not committed, so that they do go on at the same time.
    await blocker.query('BEGIN; CREATE TABLE schema_migrations ()');
    const migrations = [migrateInProcess(), migrateInProcess()];
    await vi.waitFor(async () => expect(await waiting()).toBe(2), { timeout: 20_000, interval: 50 });
    await blocker.query('ROLLBACK');
    expect((await Promise.all(migrations)).flat().sort()).toEqual(await migrationNames());
  });

  async function waiting(): Promise<number> {
    const { rowCount } = await cluster.query(
      `SELECT FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'`,
      [name],
    );
    return rowCount ?? 0;
  }
});
