import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ConfigError, parseConfig } from '../../config.ts';
import { readEnvLines } from '../../platform/envLines.ts';
import { likelySetting } from '../../platform/likelySetting.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const ENOUGH = {
  DATABASE_URL: 'postgres://holdfast_service:a-password@127.0.0.1:1/holdfast',
  OPENAI_API_KEY: 'sk-a-key',
  OPENAI_BASE_URL: 'https://provider.example/v1',
};

function faultsOf(environment: Record<string, string>): readonly string[] {
  try {
    parseConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
}

/** Runs a program of ours with these variables alone, and no developer's `.env`. */
function start(program: string, environment: Record<string, string>) {
  return spawnSync(process.execPath, [`dist/${program}.js`], {
    cwd: root,
    env: { PATH: process.env['PATH'], HOLDFAST_ENV_FILE: '/dev/null', ...environment },
    encoding: 'utf8',
    timeout: 30_000,
  });
}

describe('the configuration', () => {
  it('needs a database and a provider, and nothing else', () => {
    expect(faultsOf(ENOUGH)).toEqual([]);
    expect(parseConfig(ENOUGH).providers[0]).toMatchObject({
      name: 'openai',
      apiKey: 'sk-a-key',
      baseUrl: 'https://provider.example/v1',
    });
  });

  it('names every fault at once, and no value', () => {
    const faults = faultsOf({ ...ENOUGH, DATABASE_URL: '', OPENAI_BASE_URL: 'ftp://secret', PORT: '70000' });
    expect(faults.map((line) => line.trim().split(':')[0])).toEqual(['OPENAI_BASE_URL', 'DATABASE_URL', 'PORT']);
    expect(faults[1]).toBe('  DATABASE_URL: is required: the PostgreSQL database, as the role holdfast_service');
    expect(faults.join()).not.toContain('secret');
  });

  it.each([
    ['HOLD_TTL_SECONDS', '5', 'must be a whole number from 10 to 86400'],
    ['DATABASE_POOL_SIZE', 'many', 'must be a whole number from 2 to 200'],
    ['STREAMS_PER_KEY', '1.5', 'must be a whole number from 1 to 100000'],
    ['LOG_LEVEL', 'loud', 'must be fatal, error, warn, info, debug or trace'],
    ['DATABASE_URL', 'postgres://a b@[/', 'must be a postgres:// URL'],
    [
      'OPENAI_BASE_URL',
      'https://me:a-secret@provider.example/v1',
      'must not contain a user name or a password: the key has a setting of its own',
    ],
    ['PROVIDER_PROXY_URL', 'http://u:p%ss@proxy:1', 'must have its user name and password percent-encoded'],
    ['TEMPORAL_ADDRESS', 'https://temporal.example:7233', 'must be host:port, without https:// before it'],
  ])('says in one sentence what %s=%s must be', (variable, value, sentence) => {
    expect(faultsOf({ ...ENOUGH, [variable]: value })).toEqual([`  ${variable}: ${sentence}`]);
  });

  it("a fault of Temporal's own configuration is one among the others, and quotes nothing of its file", () => {
    const file = join(mkdtempSync(join(tmpdir(), 'holdfast-config-')), 'temporal.toml');
    writeFileSync(file, '[profile.default]\napi_key = a-secret-key"\n');
    const faults = faultsOf({ ...ENOUGH, PORT: 'x', TEMPORAL_CONFIG_FILE: file });
    expect(faults).toHaveLength(2);
    expect(faults[1]).toMatch(/^ {2}TEMPORAL_… or Temporal's configuration file: [^\n]+$/);
    expect(faults[1]).not.toContain('a-secret-key');
  });

  it.each(['api/main', 'worker/main'])('%s without a provider prints what is missing and exits with 2', (main) => {
    const { status, stderr } = start(main, { DATABASE_URL: ENOUGH.DATABASE_URL, OPENAI_API_KEY: '' });
    expect(stderr).toMatch(
      /^The configuration has 2 faults:\n {2}OPENAI_API_KEY: is required.*\n {2}OPENAI_BASE_URL: /,
    );
    expect(status).toBe(2);
  });

  it('the migrations need two databases and no provider, and name both at once', () => {
    const { status, stderr } = start('migrations/main', {});
    expect(stderr).toMatch(
      /^The configuration has 2 faults:\n {2}DATABASE_URL: is required.*\n {2}MIGRATE_DATABASE_URL: is required/,
    );
    expect(status).toBe(2);
  });

  it('migrations that reach no database say so in one line', () => {
    const { status, stderr } = start('migrations/main', {
      DATABASE_URL: ENOUGH.DATABASE_URL,
      MIGRATE_DATABASE_URL: 'postgres://owner:a-password@localhost:1/holdfast',
    });
    expect(stderr).toMatch(
      /^Nothing was migrated\. PostgreSQL at localhost:1 \(MIGRATE_DATABASE_URL\) refuses [^\n]*\n$/,
    );
    expect(status).toBe(1);
  });
});

describe('a .env', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-env-'));
  const envFile = (text: string) => {
    writeFileSync(join(folder, 'env'), text);
    return { HOLDFAST_ENV_FILE: join(folder, 'env') };
  };
  /** What `ledger:verify` says of the database that it was told of. */
  const verify = (environment: Record<string, string>) => start('ledger/main', environment);

  it('sets what the environment does not; the environment wins', () => {
    const file = envFile('# mine\nexport DATABASE_URL="postgres://a@127.0.0.1:1/of-the-file"\n');
    expect(verify(file).stderr).toContain('127.0.0.1:1');
    expect(verify({ ...file, DATABASE_URL: 'postgres://a@127.0.0.1:2/of-the-environment' }).stderr).toContain(
      '127.0.0.1:2',
    );
    expect(verify({ ...file, DATABASE_URL: '' }).stderr).toContain('DATABASE_URL: is required');
  });

  it.each([
    [
      'a line that sets nothing',
      () => envFile('PORT=1\nDATABASE_URL postgres://a\n'),
      /^Line 2 of .* is not NAME=value/,
    ],
    [
      'a quote that is not closed',
      () => envFile('PORT=1\nADMIN_KEY="a-secret\nDATABASE_URL=postgres://a\n'),
      /^Line 2 of .* has quotes that do not enclose the whole value/,
    ],
    ['a folder in its place', () => ({ HOLDFAST_ENV_FILE: folder }), /can't be read \(EISDIR\)/],
    ['a named file that is not there', () => ({ HOLDFAST_ENV_FILE: join(folder, 'no') }), /can't be read \(ENOENT\)/],
  ])('%s is one line, and no stack trace', (_, environment, said) => {
    const { status, stderr } = verify(environment());
    expect(stderr).toMatch(said);
    expect(stderr.split('\n')).toHaveLength(2);
    expect(stderr).not.toMatch(/a-secret|postgres:/);
    expect(status).toBe(2);
  });

  it.each<[text: string, line: number, fault: string]>([
    ['KEY="a\nb"\nwrong\n', 3, 'no_assignment'],
    ['A=1\n=2', 2, 'no_assignment'],
    ['A=1\nexport\nB=2', 2, 'no_assignment'],
    ['A=1\nB="never closed\nC=2', 2, 'open_quote'],
    ["A='never closed\nB='x'\n", 1, 'open_quote'],
    ['A = "closed" too early"', 1, 'open_quote'],
    ['`', 1, 'no_assignment'],
  ])('%j: line %i is the first with a fault', (text, number, fault) => {
    expect(readEnvLines(text).filter((line) => line.fault !== undefined)).toEqual([{ number, fault }]);
  });

  it.each<[text: string, names: string[]]>([
    ['', []],
    ['A=1\n\n  # why\nexport B = "x" # and why\nC=\r\nD=', ['1 A', '4 B', '5 C', '6 D']],
    ['KEY="-----BEGIN\nabc = def\n-----END"\nA=1', ['1 KEY', '4 A']],
    ["A=it's\nB=don't", ['1 A', '2 B']],
    ['A="it\'s"\r\nB=`a"b`', ['1 A', '2 B']],
  ])('%j has no fault', (text, names) => {
    expect(readEnvLines(text).map(({ number, name, fault }) => fault ?? `${number} ${name}`)).toEqual(names);
  });

  it('with a misspelt name is told in one line without its value, and read', () => {
    const file = envFile('DATABASE_URL=postgres://a@127.0.0.1:1/h\nDATABSE_URL=a-secret\nMY_OWN=1\n');
    const [line, ...rest] = verify(file).stderr.split('\n');
    expect(line).toBe(
      `Line 2 of ${file.HOLDFAST_ENV_FILE} sets DATABSE_URL, which Holdfast does not read: is it DATABASE_URL?`,
    );
    expect(rest.join()).toContain('127.0.0.1:1');
    expect(rest.join()).not.toMatch(/a-secret|does not read/);
  });

  const known = [...readFileSync(join(root, '.env.example'), 'utf8').matchAll(/^#?(\w+)=/gm)].map(
    ([, name]) => `${name}`,
  );

  it.each([
    ['OPENAI_KEY', 'OPENAI_API_KEY'],
    ['openai_api_key', 'OPENAI_API_KEY'],
    ['ADMINKEY', 'ADMIN_KEY'],
    ['PROT', 'PORT'],
    ['HOLD_TTL', 'HOLD_TTL_SECONDS'],
    ['TEMPORAL_ADRESS', 'TEMPORAL_ADDRESS'],
    ['HOLDFAST_DIRECTORY', 'HOLDFAST_DIR'],
    ['HOLDFAST_PORT', 'PORT'],
    ['HOLDFAST_ADMINKEY', 'ADMIN_KEY'],
    ['TEMPORAL_TLS_CLIENT_CERT_DATA', undefined],
    ['SERVICE_DB_PASSWORD', undefined],
    ['PATH', undefined],
    ['NODE_ENV', undefined],
  ])('%s is taken for %s', (name, meant) => expect(likelySetting(name, known)).toBe(meant));

  it('with nothing but settings is told nothing', () => {
    expect(known.length).toBeGreaterThan(40);
    expect(known.filter((name) => likelySetting(name, known) !== undefined)).toEqual([]);
  });
});
