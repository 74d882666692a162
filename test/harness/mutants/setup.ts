import type { TestProject } from 'vitest/node';
import type { MigratedPostgres } from '../support/migratedPostgres.ts';
import { startMigratedPostgres } from '../support/migratedPostgres.ts';
import { TEMPLATE } from '../support/template.ts';
import { applyMutant } from './mutant.ts';
import { MUTANTS } from './mutants.ts';
import { atDatabase, renewTemplate } from './sharedPostgres.ts';

/**
 * PostgreSQL alone, which is all that the ledger's tests need, with the guard of HOLDFAST_MUTANT taken out. A server of its
 * own, or the shared one of HOLDFAST_MUTANT_POSTGRES.
 */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const name = process.env['HOLDFAST_MUTANT'];
  const mutant = MUTANTS.find((one) => one.name === name);
  if (name !== undefined && mutant === undefined) throw new Error(`no mutant ${name}`);
  const { urls, stop } = await provideServer(process.env['HOLDFAST_MUTANT_POSTGRES']);
  if (mutant !== undefined) await atDatabase(urls, TEMPLATE, (client) => applyMutant(client, mutant));
  provide('postgres', urls);
  return stop;
}

async function provideServer(shared: string | undefined): Promise<MigratedPostgres> {
  if (shared === undefined) return startMigratedPostgres();
  const urls = JSON.parse(shared) as MigratedPostgres['urls'];
  await renewTemplate(urls);
  return { urls, stop: async () => undefined };
}
