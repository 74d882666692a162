import { loadToolConfig } from '../config.ts';
import { createTemporalClient, isTemporalUp, registerSearchAttributes } from '../temporal/connection.ts';
import { migrate } from './runner.ts';

const config = loadToolConfig();
if (config.migrateDatabaseUrl === undefined) {
  process.stderr.write('MIGRATE_DATABASE_URL: is required to migrate (the owner of the database, not the service).\n');
  process.exit(2);
}
const applied = await migrate({
  ownerUrl: config.migrateDatabaseUrl,
  serviceUrl: config.databaseUrl,
  onApplied: (name) => process.stdout.write(`applied ${name}\n`),
}).catch((error: unknown) => {
  const { message, cause } = error as Error;
  process.stderr.write(`Nothing was migrated. ${message}${cause instanceof Error ? ` ${cause.message}` : ''}\n`);
  process.exit(1);
});
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
