import pg from 'pg';
import type { MigratedPostgres } from '../support/migratedPostgres.ts';
import { startMigratedPostgres } from '../support/migratedPostgres.ts';
import { TEMPLATE, WITH_SEARCH_PATH } from '../support/template.ts';

/** One server serves many runs of tests, one after the other: each clones its template from what was migrated once. */

const PRISTINE = 'holdfast_pristine';

type Urls = MigratedPostgres['urls'];

export async function startSharedPostgres(): Promise<MigratedPostgres> {
  const postgres = await startMigratedPostgres();
  await atDatabase(postgres.urls, 'postgres', (client) =>
    client.query(`ALTER DATABASE ${TEMPLATE} RENAME TO ${PRISTINE}`),
  );
  return postgres;
}

/** Recreates the template and removes what an interrupted run left. */
export async function renewTemplate(urls: Urls): Promise<void> {
  await atDatabase(urls, 'postgres', async (client) => {
    const { rows } = await client.query<{ name: string }>(
      "SELECT datname AS name FROM pg_database WHERE datname LIKE 'test\\_%' OR datname = $1",
      [TEMPLATE],
    );
    for (const { name } of rows) await client.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${TEMPLATE} TEMPLATE ${PRISTINE}`);
  });
}

export async function atDatabase<Result>(
  urls: Urls,
  database: string,
  use: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({
    connectionString: urls.superuser.replace(/DATABASE$/, database),
    options: WITH_SEARCH_PATH,
  });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
