import { writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import pg from 'pg';
import { startTestPostgres } from '../../../dev/testing.ts';
import { createPool, openDatabase } from '../../../store/index.ts';
import { openBooks } from '../support/database.ts';
import { migrate } from '../../../migrations/runner.ts';
import { WITH_SEARCH_PATH } from '../support/template.ts';
import { dumpDatabase } from './base.ts';
import { fillWithEveryState } from './everyState.ts';

/**
 * `npx tsx test/harness/upgrades/write.ts base-X.Y.Z`: writes the database of a release with data in every state, which later
 * versions are upgraded from in test/integration/upgrade.test.ts. Written once a release, and never afterwards.
 */

const [name] = process.argv.slice(2);
if (name === undefined) throw new Error('how is the base to be called?');
const postgres = await startTestPostgres();
const url = Object.assign(new URL(postgres.superuserUrl('holdfast')), {
  username: 'holdfast_service',
  password: 'service',
}).href;
await migrate({ ownerUrl: postgres.ownerUrl('holdfast'), serviceUrl: url });
const openPool = () => createPool({ databaseUrl: url, size: 4, applicationName: 'base', onError: () => undefined });
const pool = openPool();
const database = openDatabase(pool);
const admin = new pg.Pool({ connectionString: postgres.superuserUrl('holdfast'), options: WITH_SEARCH_PATH });
// The server may end before the pool's connections have.
admin.on('error', () => undefined);
try {
  await fillWithEveryState({
    pool,
    database,
    ledger: openBooks(database),
    url,
    admin,
    openPool,
    drop: () => Promise.resolve(),
  });
  const client = await admin.connect();
  const sql = await dumpDatabase(client).finally(() => client.release());
  const zipped = gzipSync(sql, { level: 9 });
  await writeFile(new URL(`${name}.sql.gz`, import.meta.url), zipped);
  process.stdout.write(`${sql.length} bytes of SQL, ${zipped.length} zipped\n`);
} finally {
  await Promise.all([pool.end(), admin.end()]);
  await postgres.stop();
}
