import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import pg from 'pg';

/** Serialises every migration of one database; any constant does, as long as nobody else uses it. */
const ADVISORY_LOCK = 4_017_325_001;

const SERVICE_ROLE = 'holdfast_service';

export interface MigrateOptions {
  /** A role that owns the database and may create roles, or the service's role exists already. */
  readonly ownerUrl: string;
  /** Where the service will connect; its password is given to the role if the role has to be made. */
  readonly serviceUrl: string;
  readonly onApplied?: (name: string) => void;
  /** Where the migrations lie, if not beside this file; ends in a slash. */
  readonly folder?: URL;
}

/**
 * Brings a database to the newest schema and answers with the names of the migrations that this call applied. Any number
 * of processes may call it at once: one does the work, the others wait for it. All that are missing are one transaction, for
 * the functions of two migrations that belong together must never be seen apart: money would stand still in between.
 * Raises when a migration that was applied has been edited since, or is unknown to this code.
 */
export async function migrate(options: MigrateOptions): Promise<string[]> {
  const { ownerUrl, serviceUrl, onApplied, folder = new URL('./', import.meta.url) } = options;
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCK]);
    await ensureServiceRole(client, serviceUrl);
    await client.query(`CREATE TABLE IF NOT EXISTS schema_migrations (
      name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
    // So that the service can tell an operator which migrations it misses.
    await client.query(`GRANT SELECT ON schema_migrations TO ${SERVICE_ROLE}`);
    return await applyMissing(client, await readMigrations(folder), onApplied);
  } finally {
    // The advisory lock goes with the connection, also when this process is killed.
    await client.end();
  }
}

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

async function readMigrations(folder: URL): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}_.*\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, folder), 'utf8');
      return { name, sql, sha256: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

async function applyMissing(client: pg.Client, migrations: Migration[], onApplied?: (name: string) => void) {
  const { rows } = await client.query<{ name: string; sha256: string }>('SELECT name, sha256 FROM schema_migrations');
  const applied = new Map(rows.map((row) => [row.name, row.sha256]));
  for (const name of applied.keys()) {
    if (!migrations.some((migration) => migration.name === name)) {
      throw new Error(
        `The database has the migration ${name}, which this version of Holdfast does not know. Run the newer version.`,
      );
    }
  }
  const missing = migrations.filter(({ name, sha256 }) => {
    const earlier = applied.get(name);
    if (earlier !== undefined && earlier !== sha256) {
      throw new Error(
        `The migration ${name} was edited after it was applied to this database. Undo the edit and add a new migration.`,
      );
    }
    return earlier === undefined;
  });
  await client.query('BEGIN');
  try {
    for (const migration of missing) await applyOne(client, migration);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
  for (const { name } of missing) onApplied?.(name);
  return missing.map(({ name }) => name);
}

async function applyOne(client: pg.Client, { name, sql, sha256 }: Migration): Promise<void> {
  try {
    await client.query(sql);
    await client.query('INSERT INTO schema_migrations (name, sha256) VALUES ($1, $2)', [name, sha256]);
  } catch (error) {
    throw new Error(`The migration ${name} failed, and all that were missing were rolled back.`, { cause: error });
  }
}

/** Roles belong to the whole server, so another database's migration may be making it at this moment. */
async function ensureServiceRole(client: pg.Client, serviceUrl: string): Promise<void> {
  const { username, password } = new URL(serviceUrl);
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [SERVICE_ROLE]);
  if (rowCount === 0) {
    const secret = username === SERVICE_ROLE && password !== '' ? decodeURIComponent(password) : undefined;
    try {
      await client.query(
        `CREATE ROLE ${SERVICE_ROLE} LOGIN${secret === undefined ? '' : ` PASSWORD ${client.escapeLiteral(secret)}`}`,
      );
    } catch (error) {
      if (!(error instanceof pg.DatabaseError && (error.code === '42710' || error.code === '23505'))) throw error;
    }
  }
}
