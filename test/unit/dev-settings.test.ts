import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { isAtLeast } from '../../dev/binaries.ts';
import { prefixed } from '../../dev/output.ts';
import { freePort, portVariables, readPorts, refuseTakenPorts, untilItWorks } from '../../dev/ports.ts';
import { bypassProxies, readSettings } from '../../dev/settings.ts';
import { addresses, type Endpoints, summary } from '../../dev/summary.ts';
import { withoutTemporalSettings } from '../../dev/temporal.ts';

let server: Server | undefined;
afterEach(() => server?.close());

test('ports have their documented defaults, and an empty variable counts as unset', () => {
  expect(readPorts({ PORT: '', METRICS_PORT: '9999' })).toEqual({ ...portVariables, METRICS_PORT: 9999 });
});

test.each(['0', '65536', '12.5', 'http'])('%s is refused as a port, with its variable named', (value) => {
  expect(() => readPorts({ SIMULATOR_PORT: value })).toThrow(/^SIMULATOR_PORT=/);
});

test('two parts on one port are refused, both named', () => {
  expect(() => readPorts({ SIMULATOR_PORT: '3000' })).toThrow('PORT and SIMULATOR_PORT are both 3000');
});

test('a taken port stops the start with one line that names the port and its variable', async () => {
  const port = await freePort();
  server = createServer().listen({ host: '127.0.0.1', port });
  const refusal = refuseTakenPorts({ ...portVariables, PORT: port }, ['PORT']);
  await expect(refusal).rejects.toThrow(`Port ${port} (PORT) is taken`);
  await expect(refusal).rejects.not.toThrow('\n');
});

test('free ports are accepted, and only those of parts that start are looked at', async () => {
  const [free, taken] = [await freePort(), await freePort()];
  server = createServer().listen({ host: '127.0.0.1', port: taken });
  await refuseTakenPorts({ ...portVariables, PORT: free, POSTGRES_PORT: taken }, ['PORT']);
});

test('with outside services only the ports of our own parts are needed', () => {
  const outside = { DATABASE_URL: 'postgres://a', MIGRATE_DATABASE_URL: 'postgres://b', TEMPORAL_ADDRESS: 'host:7233' };
  const settings = readSettings({ ...outside, OPENAI_API_KEY: 'sk', OPENAI_BASE_URL: 'https://a/v1' }, []);
  expect(settings.needed).toEqual(['PORT', 'METRICS_PORT', 'WORKER_METRICS_PORT']);
  expect(settings.simulated).toBe(false);
  expect(readSettings({ PROVIDERS_FILE: 'providers.yaml' }, []).simulated).toBe(false);
  expect(readSettings({}, []).simulated).toBe(true);
});

test("a database of the user's own without its owner's URL is refused in one line", () => {
  expect(() => readSettings({ DATABASE_URL: 'postgres://a' }, [])).toThrow(
    /^DATABASE_URL is set, .*MIGRATE_DATABASE_URL/,
  );
});

test.each([
  [{ OPENAI_API_KEY: 'sk' }, 'OPENAI_API_KEY is set, so OPENAI_BASE_URL is needed too'],
  [{ OPENAI_BASE_URL: 'https://a/v1' }, 'OPENAI_BASE_URL is set, so OPENAI_API_KEY is needed too'],
])('half a provider is refused in one line: %j', (environment, refusal) => {
  expect(() => readSettings(environment, [])).toThrow(refusal);
});

test('only --fresh begins with nothing', () => {
  expect(readSettings({}, ['--', '--fresh']).fresh).toBe(true);
  expect(readSettings({}, []).fresh).toBe(false);
});

test('settings for another Temporal server never reach the embedded one', () => {
  const environment = withoutTemporalSettings({ PATH: '/bin', TEMPORAL_TLS: 'true', TEMPORAL_API_KEY: 'k' }, '/state');
  expect(environment).toEqual({ PATH: '/bin', TEMPORAL_CONFIG_FILE: '/state/temporal.toml' });
});

test('a Temporal CLI on PATH is used from version 1.4 on', () => {
  expect(isAtLeast('temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)', [1, 4])).toBe(true);
  expect(isAtLeast('temporal version 1.10.0', [1, 4])).toBe(true);
  expect(isAtLeast('temporal version 1.3.9', [1, 4])).toBe(false);
  expect(isAtLeast('command not found', [1, 4])).toBe(false);
});

test('an attempt is repeated until it works, and its last error is kept when it never does', async () => {
  let attempts = 0;
  const third = async () => (++attempts < 3 ? Promise.reject(new Error('not yet')) : attempts);
  expect(await untilItWorks(third, 5000, 1)).toBe(3);
  await expect(untilItWorks(() => Promise.reject(new Error('never')), 5, 1)).rejects.toThrow('never');
});

test('lines of all parts begin in one column', () => {
  expect(prefixed('api', 'x', false)).toBe('api       | x');
  expect(prefixed('simulator', 'x', false)).toBe('simulator | x');
});

test('the summary ends with how to stop, and shows keys, places and a request to try', () => {
  const endpoints: Endpoints = {
    ...addresses(portVariables),
    temporalWeb: 'http://127.0.0.1:8233',
    temporalAddress: '127.0.0.1:7233',
    temporalNamespace: 'default',
    databaseUrl: 'postgres://db',
    migrateDatabaseUrl: 'postgres://owner',
    provider: 'http://127.0.0.1:3001/v1',
    apiKey: 'key_of_demo',
    adminKey: 'key_of_admin',
    pids: { api: 1, worker: 2, postgres: 3, temporal: 4, simulator: 5 },
  };
  const text = summary(endpoints, {
    proxied: false,
    aside: ' (ready in 4.2 s)',
    consoleLink: 'http://127.0.0.1:3000/console/enter#once',
    stop: 'Press Ctrl-C to stop everything; it is kept.',
  });
  const places = [
    '/console/enter#once',
    '/docs',
    '/admin/doctor',
    'http://127.0.0.1:9464/metrics',
    'http://127.0.0.1:9465/metrics',
  ];
  for (const part of [...places, 'key_of_demo', 'key_of_admin', 'http://127.0.0.1:8233', '/v1/videos', '4.2 s'])
    expect(text).toContain(part);
  expect(text.split('\n').at(-1)).toMatch(/^Press Ctrl-C to stop everything; /);
  expect(summary(endpoints, { proxied: true, stop: '' })).toContain(
    'curl --noproxy 127.0.0.1 http://127.0.0.1:3000/v1/videos',
  );
});

test("calls to this machine go past a company's proxy, beside what it excepts itself", () => {
  const environment: NodeJS.ProcessEnv = { http_proxy: 'http://proxy.example:3128', NO_PROXY: '.example' };
  bypassProxies(environment);
  expect(environment).toMatchObject({
    no_proxy: '.example,127.0.0.1,localhost',
    NO_PROXY: '.example,127.0.0.1,localhost',
  });
});
