import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { examine } from '../../api/admin/doctor/examine.ts';
import { createLedger } from '../../ledger/index.ts';
import { createFolderStore } from '../../outbound/index.ts';
import { createPool, createStore, openDatabase } from '../../store/index.ts';
import { providersOf } from '../../provider/index.ts';
import { createTemporalClient } from '../../temporal/connection.ts';
import { createTemporal } from '../../temporal/index.ts';
import { closedPort, closeServers, json, provider, serve } from './provider-server.ts';

/** The doctor of an installation whose PostgreSQL and Temporal are both away. */

const logged: unknown[] = [];
let messages: Record<string, string>;
let ills: string[];
beforeAll(async () => {
  const { baseUrl } = await serve(json(200, { object: 'list', data: [], has_more: false }));
  const databaseUrl = `postgres://holdfast_service:password@127.0.0.1:${await closedPort()}/holdfast`;
  const pool = createPool({ databaseUrl, size: 2, applicationName: 'test', onError: () => undefined });
  const temporal = createTemporalClient({ connectionOptions: { address: `127.0.0.1:${await closedPort()}` } });
  const database = openDatabase(pool, () => undefined);
  const found = await examine({
    store: createStore(database),
    ledger: createLedger(database),
    temporal: createTemporal(temporal),
    providers: providersOf([provider(baseUrl)]),
    archive: createFolderStore(join(tmpdir(), `holdfast-doctor-${process.pid}`)),
    schemaFiles: [],
    log: { warn: (fields) => logged.push(fields), error: (fields) => logged.push(fields), info: () => undefined },
  });
  messages = Object.fromEntries(found.map(({ name, message }) => [name, message]));
  ills = found.filter(({ ok }) => !ok).map(({ name }) => name);
  // What was called too late answers later, and must not be logged then either.
  await temporal.connection.close();
  await pool.end();
});
afterAll(closeServers);

it('says of each check that could not run that it was not checked, and which server does not answer', () => {
  const ofBooks = [
    'migrations',
    'rights',
    'clock',
    'ledger',
    'emergency releases',
    'overdue holds',
    'unarchived videos',
    'sales',
  ];
  const asksDatabase = [
    ...ofBooks,
    'provider outages',
    'offers without a provider',
    'removed providers',
    'provider refusals',
  ];
  const queues = ['workers holdfast', 'workers holdfast-provider', 'workers holdfast-outbound'];
  const asksTemporal = ['search attributes', ...queues, 'worker versions', 'reconciler'];
  for (const name of asksDatabase)
    expect([name, messages[name]]).toEqual([name, 'Not checked: PostgreSQL does not answer.']);
  for (const name of asksTemporal)
    expect([name, messages[name]]).toEqual([name, 'Not checked: Temporal does not answer.']);
  expect(messages['database']).toMatch(/^PostgreSQL does not answer: is it running/);
  expect(messages['temporal']).toMatch(/^Temporal does not answer: is it running/);
  expect(new Set(ills)).toEqual(new Set(['database', 'temporal', ...asksDatabase, ...asksTemporal]));
});

it('still checks what asks neither', () => {
  expect(messages['provider']).toMatch(/ answers in \d+ ms\. /);
  expect(messages['archive']).toBe('The archive can be written.');
});

it('logs the server that is away, and not every check that asks it', () => {
  expect(logged).toEqual([expect.objectContaining({ check: 'database' })]);
});
