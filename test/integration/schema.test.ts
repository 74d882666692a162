import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { dumpSchema } from '../../migrations/dump.ts';
import { readSchemaFiles } from '../../migrations/files.ts';
import { migrate } from '../../migrations/runner.ts';
import { BY_SQLSTATE } from '../../store/errors.ts';
import type { TestDatabase } from '../harness/support/database.ts';
import { createTestDatabase } from '../harness/support/database.ts';
import { startSwallowingProxy } from '../harness/support/swallowingProxy.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

const at = (url: string, database: string) => url.replace(/DATABASE$/, database);

const files = await readSchemaFiles(pathToFileURL(join(root, 'migrations/')));
const tableNames = files.tables.map(({ name }) => name);
const functionNames = files.functions.map(({ name }) => name);

function sqlstates(sql: string): string[] {
  return [...sql.matchAll(/ERRCODE = '(\w{5})'/g)].map(([, code = '']) => code);
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
    await database.admin.query(`ALTER DATABASE ${name} OWNER TO holdfast_owner`);
    // Whose the template is, by way of the superuser: the tests are not told its password.
    const ownerUrl = `${at(inject('postgres').superuser, name)}?options=-c%20role%3Dholdfast_owner`;
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

  it('has one definition of each function and view, and the contract of each as its comment', async () => {
    const { rows } = await database.admin.query<{ name: string; contract: string | null; body: string }>(
      `SELECT proname AS name, obj_description(oid, 'pg_proc') AS contract, prosrc AS body
       FROM pg_proc WHERE pronamespace = 'holdfast'::regnamespace
       UNION ALL SELECT relname, obj_description(oid, 'pg_class'), '' FROM pg_class
       WHERE relnamespace = 'holdfast'::regnamespace AND relkind IN ('v', 'm')`,
    );
    const sql = [...files.tables, ...files.functions].map((file) => file.sql).join('\n');
    const defined = [...sql.matchAll(/CREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE|(?:MATERIALIZED )?VIEW) (\w+)/g)];
    expect(defined.map(([, name]) => name).sort()).toEqual(rows.map(({ name }) => name).sort());
    expect(rows.filter(({ contract }) => (contract ?? '') === '').map(({ name }) => name)).toEqual([]);
    const untold = rows.filter(({ contract, body }) =>
      sqlstates(body).some((code) => contract?.includes(code) !== true),
    );
    expect(untold.map(({ name }) => name)).toEqual([]);
  });

  it('raises every SQLSTATE of our own that is explained, and explains every one that it raises', () => {
    const raised = files.functions.flatMap(({ sql }) => sqlstates(sql)).filter((code) => code.startsWith('HF'));
    expect([...new Set(raised)].sort()).toEqual(Object.keys(BY_SQLSTATE).sort());
  });

  it('has a name for each CHECK that says what it holds', async () => {
    const { rows } = await database.admin.query<{ name: string }>(
      `SELECT conname AS name FROM pg_constraint
       WHERE connamespace = 'holdfast'::regnamespace AND contype = 'c' AND conname ~ '_check[0-9]*$'`,
    );
    expect(rows).toEqual([]);
  });

  it('gives rights to nobody but its owner and the service', async () => {
    const grants = (await dump()).split('\n').filter((line) => line.startsWith('GRANT '));
    expect(grants.filter((line) => !line.endsWith(' TO holdfast_service;'))).toEqual([]);
  });

  it('gets functions again that were edited, and no others than those of the files', async () => {
    const before = await dump();
    await database.admin.query(
      `SET ROLE holdfast_owner; CREATE FUNCTION left_over() RETURNS void LANGUAGE sql AS ''; RESET ROLE`,
    );
    await database.admin.query('GRANT UPDATE ON accounts TO holdfast_service; DROP TRIGGER holds_guard ON holds');
    await appendFile(join(copy, 'functions/holds.sql'), '-- a later thought\n');
    expect(await migrate(target)).toEqual(['functions/holds.sql']);
    expect(await migrate(target)).toEqual([]);
    expect(await dump()).toBe(before);
    const { rowCount } = await database.admin.query(`SELECT FROM pg_proc WHERE proname = 'left_over'`);
    expect(rowCount).toBe(0);
  });

  it('waits behind a transaction without keeping others from working, and is done once that has ended', async () => {
    const busy = await database.pool.connect();
    await busy.query('BEGIN');
    await busy.query('SELECT FROM holds LIMIT 1');
    await appendFile(join(copy, 'functions/holds.sql'), '-- a thought beside a running service\n');
    const migrated = migrate(target);
    const isWaiting = `SELECT FROM pg_locks WHERE NOT granted AND relation = 'holds'::regclass`;
    await vi.waitFor(async () => expect((await database.admin.query(isWaiting)).rowCount).toBe(1), { timeout: 10_000 });
    // Stands in line behind the migration, which gives way.
    await database.admin.query(`SET statement_timeout = '5s'; SELECT FROM holds LIMIT 1; RESET statement_timeout`);
    await busy.query('COMMIT');
    busy.release();
    expect(await migrated).toEqual(['functions/holds.sql']);
  });

  it('takes no right that was given beside it for one of its own, whenever it is migrated', async () => {
    const rights = {
      'GRANT UPDATE ON holdfast.accounts TO pg_monitor;': 'REVOKE UPDATE ON holdfast.accounts FROM pg_monitor',
      'GRANT CREATE ON SCHEMA holdfast TO pg_monitor;': 'REVOKE CREATE ON SCHEMA holdfast FROM pg_monitor',
    };
    for (const given of Object.keys(rights)) await database.admin.query(given);
    await database.admin.query(
      'GRANT CREATE ON SCHEMA holdfast TO holdfast_service; GRANT USAGE ON SCHEMA holdfast TO PUBLIC',
    );
    await appendFile(join(copy, 'functions/holds.sql'), '-- a thought beside it\n');
    await migrate(target);
    expect((await database.ledger.compareRights()).beyond).toEqual(Object.keys(rights).sort());
    for (const taken of Object.values(rights)) await database.admin.query(taken);
    expect(await database.ledger.compareRights()).toEqual({ beyond: [], missing: [] });
  });

  it.each([
    'EXECUTE ON FUNCTIONS TO pg_monitor',
    'EXECUTE ON FUNCTIONS TO holdfast_service',
    'INSERT ON TABLES TO pg_monitor',
    'SELECT ON TABLES TO PUBLIC',
  ])('is not given rights that its owner gives by default: %s', async (given) => {
    const before = await dump();
    const alter = 'ALTER DEFAULT PRIVILEGES FOR ROLE holdfast_owner IN SCHEMA holdfast';
    await database.admin.query(`${alter} GRANT ${given}; ${alter} GRANT SELECT ON TABLES TO pg_read_all_data`);
    await appendFile(join(copy, 'functions/holds.sql'), `-- ${given}\n`);
    const taken = `REVOKE ${given.replace(' TO ', ' FROM ')}`;
    await expect(migrate(target)).rejects.toThrow(`${alter} ${taken};`);
    await database.admin.query(`${alter} ${taken}`);
    await migrate(target);
    expect(await dump()).toBe(before);
  });

  it('stays as it is when something else needs a view', async () => {
    const before = await dump();
    await database.admin.query('CREATE MATERIALIZED VIEW mine AS SELECT * FROM stuck_holds');
    await appendFile(join(copy, 'functions/holds.sql'), '-- another one\n');
    await expect(migrate(target)).rejects.toThrow('cannot drop view stuck_holds');
    await database.admin.query('DROP MATERIALIZED VIEW mine');
    expect(await dump()).toBe(before);
  });

  it('refuses tables that were edited after they were applied', async () => {
    const [edited = ''] = tableNames;
    const sql = await readFile(join(copy, edited), 'utf8');
    await writeFile(join(copy, edited), `${sql}-- a later thought\n`);
    await expect(migrate(target)).rejects.toThrow(`${edited} was edited after it was applied`);
    await writeFile(join(copy, edited), sql);
  });

  it('refuses code that is older than the tables', async () => {
    await database.admin.query(`INSERT INTO schema_migrations (name, sha256) VALUES ('tables/9999_later.sql', '')`);
    await expect(migrate(target)).rejects.toThrow(
      'tables/9999_later.sql, which this version of Holdfast does not know',
    );
    await database.admin.query(`DELETE FROM schema_migrations WHERE name = 'tables/9999_later.sql'`);
  });

  it('refuses another role than the one that owns it', async () => {
    const ownerUrl = at(inject('postgres').superuser, new URL(database.url).pathname.slice(1));
    await expect(migrate({ ...target, ownerUrl })).rejects.toThrow('migrate as holdfast_owner');
  });

  it('refuses a database with the tables of 0.1.0, which were in public', async () => {
    await database.admin.query(`CREATE TABLE public.journal_transactions ();
      CREATE TABLE public.schema_migrations (name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL)`);
    await expect(migrate(target)).rejects.toThrow('make a new database (npm start -- --fresh)');
    const env = { ...process.env, DATABASE_URL: target.serviceUrl, MIGRATE_DATABASE_URL: target.ownerUrl };
    const start = run(process.execPath, ['dist/migrations/main.js'], { cwd: root, env });
    const { code, stderr } = (await start.catch((error: unknown) => error)) as { code: number; stderr: string };
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^Nothing was migrated\. The database has .*--fresh\)\.\n$/),
    ]);
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
  async function migrateInProcess(ownerUrl = at(superuser, name)): Promise<string[]> {
    const env = { ...process.env, DATABASE_URL: at(service, name), MIGRATE_DATABASE_URL: ownerUrl };
    const { stdout } = await run(process.execPath, ['dist/migrations/main.js'], { cwd: root, env });
    return [...stdout.matchAll(/^applied (\S+)$/gm)].map(([, applied = '']) => applied);
  }

  it('is refused when the schema holdfast has functions that are not ours, which stay', async () => {
    await blocker.query(
      `CREATE SCHEMA holdfast; CREATE FUNCTION holdfast.theirs() RETURNS integer LANGUAGE sql AS 'SELECT 1'`,
    );
    try {
      const migrating = migrate({ ownerUrl: at(superuser, name), serviceUrl: at(service, name) });
      await expect(migrating).rejects.toThrow('The schema holdfast has theirs(), which is not of Holdfast');
      expect((await blocker.query('SELECT holdfast.theirs()')).rows).toEqual([{ theirs: 1 }]);
    } finally {
      await blocker.query('DROP SCHEMA holdfast CASCADE');
    }
  });

  it('gets each file once from two processes that migrate it at once', async () => {
    // Both are held up at their beginning by a schema that is not committed, so that they do go on at the same time.
    await blocker.query('BEGIN; CREATE SCHEMA holdfast');
    const migrations = [migrateInProcess(), migrateInProcess()];
    await vi.waitFor(async () => expect(await waiting()).toBe(2), { timeout: 20_000, interval: 50 });
    await blocker.query('ROLLBACK');
    expect((await Promise.all(migrations)).flat()).toEqual([...tableNames, ...functionNames]);
  });

  it('is migrated soon after the network has cut off a migration that held its locks, which says so and changed nothing', async () => {
    await blocker.query('DROP SCHEMA IF EXISTS holdfast CASCADE');
    const proxy = await startSwallowingProxy(superuser);
    const cutOff = new URL(at(superuser, name));
    cutOff.port = String(proxy.port);
    await blocker.query('BEGIN; CREATE SCHEMA holdfast');
    const first = migrateInProcess(cutOff.href).catch((error: unknown) => error);
    await vi.waitFor(async () => expect(await waiting()).toBe(1), { timeout: 20_000, interval: 50 });
    proxy.swallow();
    await blocker.query('ROLLBACK');
    expect(await migrateInProcess()).toEqual([...tableNames, ...functionNames]);
    await proxy.close();
    expect(await first).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^Nothing was migrated\. PostgreSQL at \S+ \(MIGRATE_DATABASE_URL\) does not answer.*\n$/,
      ),
    });
  });

  async function waiting(): Promise<number> {
    const { rowCount } = await cluster.query(
      `SELECT FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'`,
      [name],
    );
    return rowCount ?? 0;
  }
});

describe('two roles', () => {
  const [first, second, third] = ['a', 'b', 'c'].map((name) => `owner_${name}_${randomUUID().slice(0, 8)}`);
  const database = `test_${randomUUID().replaceAll('-', '')}`;
  const { superuser, service } = inject('postgres');
  const cluster = new pg.Client({ connectionString: at(superuser, 'postgres') });
  const as = (role: string | undefined) => {
    const url = new URL(at(superuser, database));
    return Object.assign(url, { username: role ?? '', password: 'secret' }).href;
  };
  const migrateAs = (role: string | undefined) => migrate({ ownerUrl: as(role), serviceUrl: at(service, database) });

  beforeAll(async () => {
    await cluster.connect();
    await cluster.query(`CREATE ROLE ${first} LOGIN PASSWORD 'secret'; CREATE ROLE ${third} LOGIN PASSWORD 'secret';
      CREATE ROLE ${second} LOGIN SUPERUSER PASSWORD 'secret'`);
    await cluster.query(`CREATE DATABASE ${database} OWNER ${first}`);
  });
  afterAll(async () => {
    await cluster.query(`DROP DATABASE ${database} WITH (FORCE)`);
    await cluster.query(`DROP ROLE ${first}, ${second}, ${third}`);
    await cluster.end();
  });

  it('of which the first owns the database, and is told what a superuser must set for a role that it did not make', async () => {
    const setting = `ALTER ROLE holdfast_service IN DATABASE ${database} SET search_path = holdfast, pg_temp;`;
    await expect(migrateAs(first)).rejects.toThrow(setting);
    await cluster.query(setting);
    expect(await migrateAs(first)).toEqual([...tableNames, ...functionNames]);
  });

  it('of which the second may not migrate, whatever it is allowed', async () => {
    await expect(migrateAs(second)).rejects.toThrow(
      `The schema holdfast belongs to ${first}, not to ${second}: set MIGRATE_DATABASE_URL to migrate as ${first}.`,
    );
    expect(await migrateAs(first)).toEqual([]);
  });

  it('of which a third may execute and read nothing, though the owner’s default privileges give PUBLIC every function', async () => {
    const client = new pg.Client({ connectionString: as(third) });
    await client.connect();
    try {
      const { rows } = await client.query(`SELECT oid::regprocedure::text FROM pg_proc
        WHERE pronamespace = 'holdfast'::regnamespace AND has_function_privilege(oid, 'EXECUTE')
        UNION ALL SELECT relname FROM pg_class WHERE relnamespace = 'holdfast'::regnamespace AND relkind IN ('r', 'v')
          AND has_any_column_privilege(oid, 'SELECT, INSERT, UPDATE')`);
      expect(rows).toEqual([]);
      await expect(client.query(`SELECT holdfast.webhook_to_send('a', 'b', 'c')`)).rejects.toMatchObject({
        code: '42501',
      });
    } finally {
      await client.end();
    }
  });
});
