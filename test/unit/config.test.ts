import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ConfigError, parseConfig } from '../../config.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const ENOUGH = {
  DATABASE_URL: 'postgres://holdfast_service:a-password@127.0.0.1:1/holdfast',
  OPENAI_API_KEY: 'sk-a-key',
  OPENAI_BASE_URL: 'https://provider.example/v1',
};

function faultsOf(environment: Record<string, string>): string[] {
  try {
    parseConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
}

/** Runs a program of ours with these variables alone. */
function start(program: string, environment: Record<string, string>) {
  return spawnSync(process.execPath, ['--import', 'tsx', program], {
    cwd: root,
    env: { PATH: process.env['PATH'], ...environment },
    encoding: 'utf8',
    timeout: 30_000,
  });
}

describe('the configuration', () => {
  it('needs a database and a provider, and nothing else', () => {
    expect(faultsOf(ENOUGH)).toEqual([]);
    expect(parseConfig(ENOUGH).provider).toMatchObject({
      apiKey: 'sk-a-key',
      baseUrl: 'https://provider.example/v1',
    });
  });

  it('names every fault at once, and no value', () => {
    const faults = faultsOf({ ...ENOUGH, DATABASE_URL: '', OPENAI_BASE_URL: 'ftp://secret', PORT: '70000' });
    expect(faults.map((line) => line.trim().split(':')[0])).toEqual(['DATABASE_URL', 'OPENAI_BASE_URL', 'PORT']);
    expect(faults[0]).toBe('  DATABASE_URL: is required');
    expect(faults.join()).not.toContain('secret');
  });

  it.each(['api/main.ts', 'worker/main.ts'])(
    '%s without a provider prints what is missing and exits with 2',
    (main) => {
      const { status, stderr } = start(main, { DATABASE_URL: ENOUGH.DATABASE_URL, OPENAI_API_KEY: '' });
      expect(stderr).toMatch(
        /^The configuration has 2 faults:\n {2}OPENAI_API_KEY: is required.*\n {2}OPENAI_BASE_URL: /,
      );
      expect(status).toBe(2);
    },
  );

  it('the migrations need no provider', () => {
    const { status, stderr } = start('migrations/main.ts', { DATABASE_URL: ENOUGH.DATABASE_URL });
    expect(stderr).toMatch(/^MIGRATE_DATABASE_URL: is required to migrate/);
    expect(status).toBe(2);
  });
});
