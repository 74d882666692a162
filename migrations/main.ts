import { loadMigrationConfig } from '../config.ts';
import { readEnvFile } from '../platform/envFile.ts';
import { connectionFault } from '../store/index.ts';
import { explainFailure, migrate } from './runner.ts';

readEnvFile();
const config = loadMigrationConfig();

const migrating = migrate({
  ownerUrl: config.migrateDatabaseUrl,
  serviceUrl: config.databaseUrl,
  onApplied: (name) => process.stdout.write(`applied ${name}\n`),
}).catch((error: unknown) => {
  const fault = connectionFault(error, 'MIGRATE_DATABASE_URL', config.migrateDatabaseUrl);
  process.stderr.write(`Nothing was migrated. ${fault?.why ?? explainFailure(error)}\n`);
  process.exit(1);
});
// Temporal's client is loaded while the database works.
const { createTemporalClient, isTemporalUp, registerSearchAttributes } = await import('../temporal/connection.ts');
const applied = await migrating;
process.stdout.write(
  applied.length === 0 ? 'The schema is up to date.\n' : `The schema is up to date; ${applied.length} applied.\n`,
);

const temporal = createTemporalClient(config.temporal);
if (await isTemporalUp(temporal, 3000)) {
  await registerSearchAttributes(temporal);
  process.stdout.write('The search attributes are registered with Temporal.\n');
} else {
  process.stdout.write('Temporal is away: the worker registers the search attributes when it starts.\n');
}
await temporal.connection.close();
