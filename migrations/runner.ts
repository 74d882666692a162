import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { readSchemaFiles, type SchemaFile, type SchemaFiles } from './files.ts';
import { dropFunctions, finishFunctions, refuseDefaultRights, refuseOccupiedSchema } from './functions.ts';

/** Serialises every migration of one database; any constant does, as long as nobody else uses it. */
const ADVISORY_LOCK = 4_017_325_001;

/**
 * A migration sends one statement after another. One that is silent for so long has lost its network or stands still: the server
 * ends its session, for its locks are on every table, and would stop the service until TCP notices, which takes hours.
 */
const CLIENT_GONE_MS = 5000;

const SERVICE_ROLE = 'holdfast_service';

/** Our schema alone, because the host's app may have anything in `public`; a temporary object never hides one of ours. */
export const SEARCH_PATH = 'holdfast, pg_temp';

export const CREATE_SCHEMA_MIGRATIONS = `CREATE TABLE IF NOT EXISTS schema_migrations (
  name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`;

export interface MigrateOptions {
  /** A role that owns the database and may create roles, or the service's role exists already. */
  readonly ownerUrl: string;
  /** Where the service will connect; its password is given to the role if the role has to be made. */
  readonly serviceUrl: string;
  readonly onApplied?: (name: string) => void;
  /** Where `tables/` and `functions/` are, if not beside this file; ends in a slash. */
  readonly folder?: URL;
}

/**
 * Brings a database to the newest schema and answers with the names of the files that are new or have changed. Any number
 * of processes may call it at once: one does the work, the others wait for it. All of it is one transaction, for functions
 * that belong together must never be seen apart: money would stand still in between.
 * Raises when a file of tables was edited after it was applied, or is unknown to this code.
 */
export async function migrate(options: MigrateOptions): Promise<string[]> {
  const { ownerUrl, serviceUrl, onApplied, folder } = options;
  const client = new pg.Client({ connectionString: ownerUrl });
  // The statement that a lost connection ends raises it; the event alone would end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCK]);
    await client.query(
      `SET idle_in_transaction_session_timeout = ${CLIENT_GONE_MS}; SET idle_session_timeout = ${CLIENT_GONE_MS}`,
    );
    // For this connection only: the owner may be the role of the host's app, which keeps its own path.
    await client.query(`SET search_path = ${SEARCH_PATH}`);
    await refuseFirstEdition(client);
    await refuseSecondOwner(client);
    await ensureServiceRole(client, serviceUrl);
    await ensureServicePath(client);
    const names = await bringUpToDate(client, await readSchemaFiles(folder));
    for (const name of names) onApplied?.(name);
    return names;
  } finally {
    // The advisory lock goes with the connection, also when this process is killed.
    await client.end();
  }
}

/** What `migrate` raised, in one line. */
export function explainFailure(error: unknown): string {
  const { message, cause } = error as Error;
  return `${message}${cause instanceof Error ? ` ${cause.message}` : ''}`;
}

/** Up to 0.1.0 our tables were in `public`. A host's app may well have a table of one of these names, but not these columns. */
async function refuseFirstEdition(client: pg.Client): Promise<void> {
  const { rowCount } = await client.query(`SELECT FROM pg_attribute WHERE attname = 'sha256'
    AND attrelid = to_regclass('public.schema_migrations') AND to_regclass('public.journal_transactions') IS NOT NULL`);
  if (rowCount !== 0) {
    throw new Error(
      'The database has tables of Holdfast 0.1.0 in the schema public, which cannot be upgraded: make a new database (npm start -- --fresh).',
    );
  }
}

/** Two owners would share one schema: neither could replace the other's functions, or their rights. */
async function refuseSecondOwner(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ owner: string; role: string }>(`SELECT nspowner::regrole::text AS owner,
    current_user AS role FROM pg_namespace WHERE nspname = 'holdfast' AND nspowner <> current_user::regrole`);
  for (const { owner, role } of rows) {
    throw new Error(
      `The schema holdfast belongs to ${owner}, not to ${role}: set MIGRATE_DATABASE_URL to migrate as ${owner}.`,
    );
  }
}

/** Whoever comes after a waiting migration waits behind it, so it waits briefly, gives way, and tries again. */
const LOCK_WAIT_MS = 1000;
const GIVE_WAY_MS = 500;
const TRIES = 60;
const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK = '40P01';

/** Beside a service that runs: its transactions may hold the locks that the migration needs. */
async function bringUpToDate(client: pg.Client, files: SchemaFiles): Promise<string[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await tryToBringUpToDate(client, files);
    } catch (error) {
      const isLocked = error instanceof pg.DatabaseError && [LOCK_NOT_AVAILABLE, DEADLOCK].includes(error.code ?? '');
      if (!isLocked || attempt === TRIES) throw error;
      await delay(GIVE_WAY_MS);
    }
  }
}

async function tryToBringUpToDate(client: pg.Client, files: SchemaFiles): Promise<string[]> {
  const applied = await listApplied(client);
  refuseOthers(applied, files.tables);
  const changed = [...files.tables, ...files.functions].filter(({ name, sha256 }) => applied.get(name) !== sha256);
  const removed = [...applied.keys()].filter(
    (name) => name.startsWith('functions/') && !files.functions.some((file) => file.name === name),
  );
  if (changed.length === 0 && removed.length === 0) return [];
  await client.query('BEGIN');
  try {
    await client.query(`SET LOCAL lock_timeout = ${LOCK_WAIT_MS}`);
    if (!(await exists(client, 'to_regnamespace', 'holdfast'))) await client.query('CREATE SCHEMA holdfast');
    await refuseDefaultRights(client);
    if (!(await exists(client, 'to_regclass', 'holdfast.schema_migrations'))) await refuseOccupiedSchema(client);
    await client.query(CREATE_SCHEMA_MIGRATIONS);
    await dropFunctions(client);
    for (const file of files.tables) if (changed.includes(file)) await applyOne(client, file);
    await client.query(`DELETE FROM schema_migrations WHERE name LIKE 'functions/%'`);
    // A body may name what stands further down, or in a later file.
    await client.query('SET LOCAL check_function_bodies = off');
    for (const file of files.functions) await applyOne(client, file);
    // So that the service can tell an operator which migrations it misses.
    await client.query(`GRANT SELECT ON schema_migrations TO ${SERVICE_ROLE}`);
    await finishFunctions(client);
    await client.query('COMMIT');
  } catch (error) {
    // Without a connection there is nothing left to roll back.
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
  return changed.map(({ name }) => name);
}

async function listApplied(client: pg.Client): Promise<ReadonlyMap<string, string>> {
  if (!(await exists(client, 'to_regclass', 'holdfast.schema_migrations'))) return new Map();
  const { rows } = await client.query<{ name: string; sha256: string }>('SELECT name, sha256 FROM schema_migrations');
  return new Map(rows.map(({ name, sha256 }) => [name, sha256]));
}

async function exists(client: pg.Client, lookUp: 'to_regclass' | 'to_regnamespace', name: string): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(`SELECT ${lookUp}($1) IS NOT NULL AS found`, [name]);
  return rows[0]?.found === true;
}

/** Functions can be replaced by those of any version; tables can't be made what they were before. */
function refuseOthers(applied: ReadonlyMap<string, string>, tables: readonly SchemaFile[]): void {
  for (const [name, sha256] of applied) {
    if (name.startsWith('functions/')) continue;
    const file = tables.find((one) => one.name === name);
    if (file === undefined) {
      throw new Error(`The database has ${name}, which this version of Holdfast does not know. Run the newer version.`);
    }
    if (file.sha256 !== sha256) {
      throw new Error(
        `${name} was edited after it was applied to this database. Either CHANGELOG.md says that the database of that release can't be upgraded: begin with a new one. Or undo the edit and add a new file.`,
      );
    }
  }
}

async function applyOne(client: pg.Client, { name, sql, sha256 }: SchemaFile): Promise<void> {
  try {
    await client.query(sql);
    await client.query('INSERT INTO schema_migrations (name, sha256) VALUES ($1, $2)', [name, sha256]);
  } catch (error) {
    throw new Error(`${name} failed, and everything that was missing was rolled back.`, { cause: error });
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

/** The service finds the schema by a setting of its role in this database, which a restored dump does not bring along. */
async function ensureServicePath(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ database: string; isSet: boolean }>(
    `SELECT quote_ident(datname) AS database, EXISTS (SELECT FROM pg_db_role_setting s WHERE s.setdatabase = d.oid
      AND s.setrole = to_regrole($1) AND $2 = ANY (s.setconfig)) AS "isSet" FROM pg_database d WHERE datname = current_database()`,
    [SERVICE_ROLE, `search_path=${SEARCH_PATH}`],
  );
  for (const { database, isSet } of rows) {
    if (isSet) continue;
    const statement = `ALTER ROLE ${SERVICE_ROLE} IN DATABASE ${database} SET search_path = ${SEARCH_PATH};`;
    try {
      await client.query(statement);
    } catch (error) {
      if (!(error instanceof pg.DatabaseError && error.code === '42501')) throw error;
      throw new Error(
        `The owner may not say where ${SERVICE_ROLE} finds the schema. As a superuser, run: ${statement}`,
      );
    }
  }
}
