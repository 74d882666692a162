import { afterEach, expect, test } from 'vitest';
import { examineParts, partLines } from '../../dev/health.ts';
import { addresses, type Endpoints } from '../../dev/summary.ts';
import { portVariables } from '../../dev/ports.ts';
import { closedPort, closeServers, json, serve } from './provider-server.ts';

/** What `npm start -- --status` says of the parts. */

afterEach(closeServers);

const PIDS: Endpoints['pids'] = { api: 1, worker: 2, postgres: 3, temporal: 4, simulator: 5 };

async function linesOf(api: string, { workerMetrics, provider, pids = PIDS }: Partial<Endpoints> = {}) {
  const away = `http://127.0.0.1:${await closedPort()}/`;
  const endpoints: Endpoints = {
    ...addresses(portVariables),
    temporalWeb: null,
    temporalAddress: '',
    temporalNamespace: '',
    databaseUrl: '',
    migrateDatabaseUrl: '',
    apiKey: '',
    adminKey: '',
    api: api === 'away' ? away : api,
    workerMetrics: workerMetrics ?? away,
    provider: provider ?? away,
    pids,
  };
  const parts = await examineParts(endpoints);
  return { ok: parts.every(({ ok }) => ok), lines: partLines(parts).map((line) => line.trim().split(/ {2,}/)) };
}

test('each part has its pid and whether it answers; a simulator may answer with an error', async () => {
  const { baseUrl: ready } = await serve(json(200, { status: 'ok', database: true, temporal: true }));
  const { baseUrl: lost } = await serve(json(404, {}));
  expect(await linesOf(ready, { workerMetrics: ready, provider: lost })).toEqual({
    ok: true,
    lines: [
      ['api', 'pid 1', 'answers'],
      ['worker', 'pid 2', 'answers'],
      ['postgres', 'pid 3', 'answers'],
      ['temporal', 'pid 4', 'answers'],
      ['simulator', 'pid 5', 'answers'],
    ],
  });
});

test('one that is away is named, and so is what the API does not reach', async () => {
  const { baseUrl } = await serve(json(503, { status: 'unavailable', database: true, temporal: false }));
  expect(await linesOf(baseUrl)).toEqual({
    ok: false,
    lines: [
      ['api', 'pid 1', 'answers, but is not ready'],
      ['worker', 'pid 2', 'does not answer'],
      ['postgres', 'pid 3', 'answers'],
      ['temporal', 'pid 4', 'does not answer'],
      ['simulator', 'pid 5', 'does not answer'],
    ],
  });
});

test('without the API nothing is claimed of the servers that only it was asked about; your own provider is not asked', async () => {
  const pids = { ...PIDS, postgres: null, simulator: null };
  expect(await linesOf('away', { pids })).toEqual({
    ok: false,
    lines: [
      ['api', 'pid 1', 'does not answer'],
      ['worker', 'pid 2', 'does not answer'],
      ['postgres', 'your own', 'unknown: the API does not answer'],
      ['temporal', 'pid 4', 'unknown: the API does not answer'],
    ],
  });
});
