import pg from 'pg';
import type { Config } from './configuration.ts';
import { explainFailure, migrate, type MigrateOptions } from '../migrations/runner.ts';
import { connectionFault } from '../store/index.ts';
import { StartRefused } from './ports.ts';

/** The user's own servers are asked before anything of ours starts. */

const CONTACT_LIMIT_MS = 5000;

/** Resolves when this role can log in. Raises `StartRefused` with what to do; `variable` is where the URL comes from. */
export async function contactDatabase(variable: string, url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONTACT_LIMIT_MS });
  // A server that stops while we disconnect must not end this process.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    const fault = connectionFault(error, variable, url);
    throw new StartRefused(fault?.why ?? `The database of ${variable} can't be used: ${(error as Error).message}.`);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Brings the database to the newest schema. Raises `StartRefused` with the reason when that is not possible. */
export async function migrateDatabase(options: MigrateOptions): Promise<void> {
  try {
    await migrate(options);
  } catch (error) {
    const fault = connectionFault(error, 'MIGRATE_DATABASE_URL', options.ownerUrl);
    throw new StartRefused(`Nothing was migrated. ${fault?.why ?? explainFailure(error)}`);
  }
}

/** Resolves when the Temporal server answers. Raises `StartRefused` with what to do. */
export async function contactServer(temporal: Config['temporal']): Promise<void> {
  // Temporal's client takes half a second to load, and a start with a server of its own does without it.
  const { contactTemporal, createTemporalClient, temporalFault } = await import('../temporal/connection.ts');
  const client = createTemporalClient(temporal);
  try {
    await contactTemporal(client, CONTACT_LIMIT_MS);
  } catch (error) {
    throw new StartRefused(temporalFault(error, temporal));
  } finally {
    await client.connection.close();
  }
}
