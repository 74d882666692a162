import { loadConfig } from '../config.ts';
import { migrate } from './runner.ts';

const config = loadConfig();
if (config.migrateDatabaseUrl === undefined) {
  process.stderr.write('MIGRATE_DATABASE_URL: is required to migrate (the owner of the database, not the service).\n');
  process.exit(2);
}
const applied = await migrate({
  ownerUrl: config.migrateDatabaseUrl,
  serviceUrl: config.databaseUrl,
  onApplied: (name) => process.stdout.write(`applied ${name}\n`),
});
process.stdout.write(
  applied.length === 0 ? 'The schema is up to date.\n' : `The schema is up to date; ${applied.length} applied.\n`,
);
