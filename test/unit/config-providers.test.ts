import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { ConfigError, parseConfig } from '../../config.ts';

/** PROVIDERS_FILE, which docs/providers.md describes. */

const folder = mkdtempSync(join(tmpdir(), 'holdfast-providers-'));
const DATABASE_URL = 'postgres://holdfast_service:a-password@127.0.0.1:1/holdfast';

function fileOf(text: string, name = 'providers.yaml'): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

const read = (yaml: string, environment: Record<string, string> = {}) =>
  parseConfig({
    DATABASE_URL,
    PROVIDERS_FILE: fileOf(yaml),
    A_KEY: 'sk-secret-a',
    BROKEN_KEY: 'sk-secret\nb',
    ...environment,
  }).providers;

function faultsOf(yaml: string, environment: Record<string, string> = {}): string {
  try {
    read(yaml, environment);
    return '';
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.join('\n');
  }
}

const one = (more = '', name = 'vllm') =>
  `providers:\n  - name: ${name}\n    base_url: http://gpu.internal:8000/v1\n    api_key_env: A_KEY\n${more}`;

describe('a file of providers', () => {
  it('names each, with its key from the environment or from a file, and the first is the default one', () => {
    const key = fileOf('sk-of-a-file\n', 'key');
    const second = [
      '  - name: gateway',
      '    base_url: https://gateway.example/v1',
      `    api_key_file: ${key}`,
      '    webhook_secret_env: HOOKS',
      '    dialect: litellm',
      '    can: {list: partial, list_shows_prompts: false}',
      '    create_encoding: json',
      '    content_hosts: ["Minio.internal:9000"]',
      '    send_user_and_metadata: true',
      '    proxy: false',
      '    probe: false',
      '    sweep_interval_ms: 0',
      '    limits: { videos_at_once: 3, requests_per_minute: 60 }',
      '    previous_urls: [https://old.example/v1]',
    ].join('\n');
    const settings = { HOOKS: 'whsec_1', PROVIDER_PROXY_URL: 'http://proxy:3128' };
    expect(read(one(second), settings)).toEqual([
      {
        name: 'vllm',
        baseUrl: 'http://gpu.internal:8000/v1',
        previousUrls: [],
        apiKey: 'sk-secret-a',
        webhookSecret: undefined,
        dialect: 'auto',
        can: {},
        createEncoding: undefined,
        sendLabels: false,
        contentHosts: [],
        proxyUrl: 'http://proxy:3128',
        probe: true,
        videosAtOnce: undefined,
        requestsPerMinute: undefined,
        sweepIntervalMs: 1000,
      },
      {
        name: 'gateway',
        baseUrl: 'https://gateway.example/v1',
        previousUrls: ['https://old.example/v1'],
        apiKey: 'sk-of-a-file',
        webhookSecret: 'whsec_1',
        dialect: 'litellm',
        can: { list: 'partial', listShowsPrompts: false },
        createEncoding: 'json',
        sendLabels: true,
        contentHosts: ['minio.internal:9000'],
        proxyUrl: undefined,
        probe: false,
        videosAtOnce: 3,
        requestsPerMinute: 60,
        sweepIntervalMs: 0,
      },
    ]);
  });

  it.each([
    ['an unknown setting', one('    api_keys: x\n'), /providers\[0\] has settings that nobody reads: api_keys$/],
    ['no provider', 'providers: []\n', /providers must have 1 to 100 entries/],
    ['nothing in it', '', /it must be settings with their names/],
    [
      'no place for a video',
      one('    limits: {videos_at_once: 0}\n'),
      /videos_at_once must be a whole number from 1 to/,
    ],
    [
      'too few requests to make a video with',
      one('    limits: {requests_per_minute: 9}\n'),
      /requests_per_minute must be a whole number from 10 to 10000/,
    ],
    ['a path of nothing', one().replace('env: A_KEY', "file: ''"), /api_key_file must be the path of a file/],
    ['a dialect that nobody speaks', one('    dialect: klingon\n'), /dialect must be one of auto, openai, litellm/],
    ['work ended by a server that can’t', one('    can: {cancel: true}\n'), /can\.cancel needs a dialect that can end/],
    ['a list of no kind', one('    can: {list: whole}\n'), /can\.list must be authoritative, partial or none/],
    [
      'a server twice',
      `${one()}${one('', 'other').slice('providers:\n'.length)}`,
      /providers\[1\]\.base_url or previous_urls is the server of the provider vllm too/,
    ],
    ['what is no YAML', 'providers: [\n', /line \d is no YAML/],
    ['an alias that bites its tail', 'providers: &a [*a]\n', /providers\[0\]/],
    ['a name for a route of another kind', one('', 'stripe'), /providers\[0\]\.name is reserved/],
    ['a name that no path can have', one('', 'My GPU'), /providers\[0\]\.name must be lower-case/],
    ['a name twice', `${one()}${one().slice('providers:\n'.length)}`, /providers\[1\]\.name is another provider's too/],
    ['no key', one().replace(/ {4}api_key_env.*\n/, ''), /providers\[0\]\.api_key_env or api_key_file is required/],
    ['a key that is not set', one().replace('A_KEY', 'NO_KEY'), /api_key_env names NO_KEY, which is not set/],
    [
      'a key of two lines',
      one().replace('A_KEY', 'BROKEN_KEY'),
      /api_key_env: what it names must be .* without a space/,
    ],
    ['a key in a file that is not there', one().replace('env: A_KEY', 'file: /nowhere'), /api_key_file names a file/],
    ['a key itself in the place of its name', one().replace('A_KEY', 'sk-secret-b'), /must be the name of an env/],
    ['a base URL with its route', one().replace('/v1', '/v1/videos'), /base_url must end before \/videos/],
    ['a base URL with a query', one().replace('/v1', '/v1?x=1'), /base_url must have no \? and no #/],
    ['a base URL with a fragment', one().replace('/v1', '/v1#f'), /base_url must have no \? and no #/],
    ['a base URL with a password', one().replace('gpu', 'user:secret@gpu'), /base_url must not contain a user name/],
    ['a number where words belong', one('    create_encoding: 5\n'), /create_encoding must be multipart or json/],
  ])('with %s is refused', (_, yaml, fault) => {
    const faults = faultsOf(yaml);
    expect(faults).toMatch(/^ {2}PROVIDERS_FILE: /);
    expect(faults).toMatch(fault);
    expect(faults).not.toContain('secret');
  });

  it('that is not there, or endless, is refused', () => {
    expect(() => parseConfig({ DATABASE_URL, PROVIDERS_FILE: join(folder, 'nowhere') })).toThrow(
      /PROVIDERS_FILE: .*nowhere can’t be read/,
    );
    expect(faultsOf(`${one()}# ${'x'.repeat(1024 * 1024)}`)).toMatch(/PROVIDERS_FILE: .* can’t be read/);
  });

  it('tells all its faults, and those of the environment, at once', () => {
    const faults = faultsOf(one('', 'stripe').replace('/v1', '/v1#f'), { PORT: '70000' });
    expect(faults.split('\n').map((line) => line.trim().split(' ').slice(0, 2).join(' '))).toEqual([
      'PROVIDERS_FILE: providers[0].name',
      'PROVIDERS_FILE: providers[0].base_url',
      'PORT: must',
    ]);
  });

  it('sends the reader of its faults to the page that describes it', () => {
    const stripe = one('', 'stripe');
    expect(() => read(stripe)).toThrow(/\nSee docs\/providers\.md for what the file of providers may say\.$/);
    expect(() => read(stripe, { PORT: '70000' })).toThrow(/\nSee docs\/providers\.md .*, and \.env\.example for .*\.$/);
    expect(() => read(one(), { PORT: '70000' })).toThrow(/\nSee \.env\.example for what each variable means\.$/);
  });

  it('beside settings that it replaces is refused: nobody would read those', () => {
    const faults = faultsOf(one(), { OPENAI_BASE_URL: 'https://a/v1', PROVIDER_CREATE_ENCODING: 'json' });
    expect(faults).toMatch(/OPENAI_BASE_URL: is not read beside PROVIDERS_FILE.*\n.*PROVIDER_CREATE_ENCODING: is not/);
    // A file may name this variable for the key of one of its providers.
    expect(faultsOf(one(), { OPENAI_API_KEY: 'sk' })).toBe('');
  });
});

test.each(['https://a/v1/videos', 'https://a/v1/videos/', 'https://a/v1?x=1', 'https://a/v1#f'])(
  'a base URL that would turn every create into a 404 is refused at the start: %s',
  (url) => {
    expect(() => parseConfig({ DATABASE_URL, OPENAI_API_KEY: 'sk', OPENAI_BASE_URL: url })).toThrow(
      /OPENAI_BASE_URL: must/,
    );
  },
);
