import { startTestPostgres } from '../../../dev/testing.ts';
import { migrate } from '../../../migrations/runner.ts';
import { TEMPLATE } from './template.ts';

const DATABASE = 'DATABASE';

export interface MigratedPostgres {
  /** URLs of the server; a database's name takes the place of DATABASE. */
  readonly urls: { readonly superuser: string; readonly service: string };
  readonly stop: () => Promise<void>;
}

/** A PostgreSQL with the migrated template that the tests' databases are cloned from. */
export async function startMigratedPostgres(): Promise<MigratedPostgres> {
  const postgres = await startTestPostgres();
  const service = new URL(postgres.superuserUrl(DATABASE));
  service.username = 'holdfast_service';
  service.password = 'holdfast-service-test';
  await migrate({ ownerUrl: await postgres.createDatabase(TEMPLATE), serviceUrl: service.href });
  return { urls: { superuser: postgres.superuserUrl(DATABASE), service: service.href }, stop: postgres.stop };
}
