import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { findTemporalCli, findTestServer, startTestPostgres } from '../../dev/testing.ts';
import { TEMPLATE } from './template.ts';
import { migrate } from '../../migrations/runner.ts';
import { buildWorkflowBundle } from '../../worker/bundle.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** URLs of the server; a test database's name takes the place of DATABASE. */
    postgres: { superuser: string; service: string };
    temporalCli: string;
    testServer: string;
    bundlePath: string;
  }
}

const DATABASE = 'DATABASE';

/** Once a run: PostgreSQL with a migrated template to clone, Temporal's binaries, the workflow bundle. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const progress = (line: string) => process.stdout.write(`${line}\n`);
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  const [postgres, temporalCli, testServer, bundle] = await Promise.all([
    startTestPostgres(),
    findTemporalCli(progress),
    findTestServer(progress),
    buildWorkflowBundle(),
  ]);
  const service = new URL(postgres.superuserUrl(DATABASE));
  service.username = 'holdfast_service';
  service.password = 'holdfast-service-test';
  await migrate({ ownerUrl: await postgres.createDatabase(TEMPLATE), serviceUrl: service.href });
  const bundlePath = join(folder, 'workflow-bundle.js');
  await writeFile(bundlePath, bundle.code);
  provide('postgres', { superuser: postgres.superuserUrl(DATABASE), service: service.href });
  provide('temporalCli', temporalCli);
  provide('testServer', testServer);
  provide('bundlePath', bundlePath);
  return async () => {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
