import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { sayWhenReady } from '../../api/health/readiness.ts';
import { freePort } from '../../dev/ports.ts';

/** What the API's process says of itself while it starts. */

const root = fileURLToPath(new URL('../../', import.meta.url));

it('is logged as listening, and not as ready, while neither the database nor Temporal answers', async () => {
  const [port, metricsPort, closed] = [await freePort(), await freePort(), await freePort()];
  const env = {
    PATH: process.env['PATH'],
    HOLDFAST_ENV_FILE: '/dev/null',
    DATABASE_URL: `postgres://holdfast_service:p@127.0.0.1:${closed}/holdfast`,
    TEMPORAL_ADDRESS: `127.0.0.1:${closed}`,
    OPENAI_API_KEY: 'sk',
    OPENAI_BASE_URL: `http://127.0.0.1:${closed}/v1`,
    ARCHIVE_DIR: tmpdir(),
    PORT: String(port),
    METRICS_PORT: String(metricsPort),
  };
  const api = spawn(process.execPath, ['dist/api/main.js'], { cwd: root, env });
  let output = '';
  api.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  try {
    await vi.waitFor(() => expect(output).toContain('"msg":"listening"'), { timeout: 20_000, interval: 50 });
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
    expect([answer.status, await answer.json()]).toEqual([
      503,
      { status: 'unavailable', database: false, temporal: false },
    ]);
    expect(output).not.toContain('"ready"');
  } finally {
    api.kill('SIGKILL');
  }
});

it.each([
  { name: 'the database answers later', database: [false, false, true], temporal: [true] },
  { name: 'Temporal answers later', database: [true], temporal: [false, false, true] },
])('is logged as ready once, when $name', async ({ database, temporal }) => {
  const said: string[] = [];
  const info = (_: object, message: string) => said.push(`${message} after ${probes} probes`);
  let probes = 0;
  const next = (answers: boolean[]) => (answers.length > 1 ? answers.shift() : answers[0]) === true;
  await sayWhenReady(
    {
      store: {
        ping: () => {
          probes += 1;
          return next(database) ? Promise.resolve() : Promise.reject(new Error('away'));
        },
      },
      temporal: { isUp: () => Promise.resolve(next(temporal)) },
      closing: new AbortController().signal,
      log: { info, warn: info, error: info },
    },
    1,
  );
  expect(said).toEqual(['ready after 3 probes']);
});
