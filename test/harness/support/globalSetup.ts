import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { findTemporalCli, findTestServer } from '../../../dev/testing.ts';
import { build } from '../../../dev/build.mjs';
import { repository } from '../../../dev/state.ts';
import { startMigratedPostgres } from './migratedPostgres.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** URLs of the server; a test database's name takes the place of DATABASE. */
    postgres: { superuser: string; service: string };
    temporalCli: string;
    testServer: string;
    bundlePath: string;
    /** That of workers that trace. */
    tracedBundlePath: string;
  }
}

/** Runs once before all tests: PostgreSQL with a migrated template to clone, Temporal's binaries, the workflow bundle. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  // Temporal's servers of the tests are small and many: they collect their garbage less often.
  process.env['GOGC'] ??= '400';
  const progress = (line: string) => process.stdout.write(`${line}\n`);
  const [postgres, temporalCli, testServer] = await Promise.all([
    startMigratedPostgres(),
    findTemporalCli(progress),
    findTestServer(progress),
    // The programs that tests start.
    build(),
  ]);
  provide('postgres', postgres.urls);
  provide('temporalCli', temporalCli);
  provide('testServer', testServer);
  provide('bundlePath', join(repository, 'dist', 'workflow-bundle.js'));
  provide('tracedBundlePath', join(repository, 'dist', 'workflow-bundle.traced.js'));
  return async () => {
    await postgres.stop();
  };
}
