import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, inject, it } from 'vitest';
import { freePort } from '../../dev/ports.ts';
import { repository } from '../../dev/state.ts';

/** What tracing costs: nothing when it is off, and no more than a line of the log when its collector is away. */

/** Runs a program beside what production runs; returns the lines that it writes. */
function run(program: string, variables: Record<string, string> = {}): string[] {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: repository,
    env: { PATH: process.env['PATH'], ...variables },
    encoding: 'utf8',
    timeout: 25_000,
  });
  expect(stderr).toBe('');
  return stdout.trim().split('\n');
}

it('loads nothing of OpenTelemetry while it is off, but the interface that prom-client loads', () => {
  const lines = run(`
    import { createRequire } from 'node:module';
    import './dist/api/app.js';
    import './dist/worker/dependencies.js';
    import './dist/worker/run.js';
    import { startTracing } from './dist/platform/tracing.js';
    const require = createRequire(process.cwd() + '/');
    const loaded = () => Object.keys(require.cache).filter((path) => /@opentelemetry.(?!api)|interceptors-opent/.test(path));
    await startTracing('worker', { tracesEndpoint: undefined, logLevel: 'info' });
    console.log(loaded().length);
    await startTracing('worker', { tracesEndpoint: 'http://127.0.0.1:1', logLevel: 'info' });
    console.log(loaded().length > 50);
    process.exit();`);
  expect(lines).toEqual(['0', 'true']);
  const carries = (bundle: string) => readFileSync(bundle, 'utf8').includes('node_modules/@opentelemetry/');
  expect([carries(inject('bundlePath')), carries(inject('tracedBundlePath'))]).toEqual([false, true]);
});

it('says once that its collector is away, drops spans, and holds nothing up', async () => {
  const away = `http://127.0.0.1:${await freePort()}`;
  const lines = run(
    `import { setTimeout as delay } from 'node:timers/promises';
    import { trace } from '@opentelemetry/api';
    import { startTracing } from './dist/platform/tracing.js';
    const { close } = await startTracing('worker', { tracesEndpoint: '${away}', logLevel: 'info' });
    for (let round = 0; round < 3; round += 1) {
      for (let each = 0; each < 5000; each += 1) trace.getTracer('test').startSpan('span').end();
      await delay(200);
    }
    const began = performance.now();
    await close();
    console.log(performance.now() - began < 1500);
    process.exit();`,
    { OTEL_EXPORTER_OTLP_TIMEOUT: '50', OTEL_BSP_SCHEDULE_DELAY: '10' },
  );
  const said = lines.map((line) => (line.startsWith('{') ? (JSON.parse(line) as { msg: string }).msg : line));
  expect(said).toEqual(['the collector of traces takes none; they are lost until it does', 'true']);
});
