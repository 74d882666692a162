import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { findTemporalCli, findTestServer } from '../../../dev/testing.ts';
import { buildWorkflowBundle } from '../../../worker/bundle.ts';
import { startMigratedPostgres } from './migratedPostgres.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** URLs of the server; a test database's name takes the place of DATABASE. */
    postgres: { superuser: string; service: string };
    temporalCli: string;
    testServer: string;
    bundlePath: string;
  }
}

/** Runs once before all tests: PostgreSQL with a migrated template to clone, Temporal's binaries, the workflow bundle. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const progress = (line: string) => process.stdout.write(`${line}\n`);
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  const [postgres, temporalCli, testServer, bundle] = await Promise.all([
    startMigratedPostgres(),
    findTemporalCli(progress),
    findTestServer(progress),
    buildWorkflowBundle(),
  ]);
  const bundlePath = join(folder, 'workflow-bundle.js');
  await writeFile(bundlePath, bundle.code);
  provide('postgres', postgres.urls);
  provide('temporalCli', temporalCli);
  provide('testServer', testServer);
  provide('bundlePath', bundlePath);
  return async () => {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
