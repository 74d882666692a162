import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort, portVariables } from '../../dev/ports.ts';

/** What `npm start` says instead of starting: one line, the exit code, and nothing was started. */

const root = fileURLToPath(new URL('../../', import.meta.url));
let folder: string;
let ports: Record<string, string>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-refusals-'));
  const names = Object.keys(portVariables);
  ports = Object.fromEntries(await Promise.all(names.map(async (name) => [name, String(await freePort())])));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(args: string[], environment: Record<string, string> = {}) {
  const { PATH } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    env: { PATH, HOLDFAST_ENV_FILE: '/dev/null', HOLDFAST_DIR: folder, ...ports, ...environment },
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { status, stdout, stderr };
}

/** As `npm start` does it once everything is installed. */
const start = (environment: Record<string, string>) => run(['dist/dev/stack.js'], environment);

describe('the options of npm start', () => {
  it('--version is the version of package.json', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(run(['dev/start.mjs', '--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('--help lists every option', () => {
    const { status, stdout } = run(['dev/start.mjs', '--', '--help']);
    expect(stdout.match(/^ {2}--\w+/gm)).toEqual(['  --fresh', '  --status', '  --version', '  --help']);
    expect(status).toBe(0);
  });

  it('another option is refused in one line', () => {
    const stderr = 'Unknown option --frehs: "npm start -- --help" lists the options.\n';
    expect(run(['dev/start.mjs', '--frehs', '--fresh'])).toEqual({ status: 2, stdout: '', stderr });
  });

  it('--status says that no stack runs', () => {
    const { status, stdout, stderr } = run(['dist/dev/status.js']);
    expect(stderr).toBe(`No stack runs on ${folder}: "npm start" starts one; HOLDFAST_DIR names another folder.\n`);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  });
});

describe('a first start', () => {
  it(
    'says that the packages are being installed, while that lasts, and how long it took',
    { timeout: 30_000 },
    async () => {
      const clone = mkdtempSync(join(folder, 'clone-'));
      for (const name of ['dev', 'node_modules']) mkdirSync(join(clone, name));
      for (const name of ['dev/start.mjs', 'dev/build.mjs', 'package-lock.json'])
        copyFileSync(join(root, name), join(clone, name));
      // An npm that works until it is told that this is enough.
      const npm = join(clone, 'npm.cjs');
      writeFileSync(npm, 'setInterval(() => require("fs").existsSync("enough") && process.exit(0), 20);');
      const { PATH } = process.env;
      const started = spawn(process.execPath, ['dev/start.mjs'], { cwd: clone, env: { PATH, npm_execpath: npm } });
      let output = '';
      started.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      try {
        await vi.waitFor(() => expect(output).toMatch(/^Installing dependencies \(npm ci\)/), { timeout: 5000 });
        await vi.waitFor(() => expect(output).toMatch(/^ {2}still installing after 5 s…$/m), { timeout: 10_000 });
        writeFileSync(join(clone, 'enough'), '');
        await vi.waitFor(() => expect(output).toMatch(/^ {2}Dependencies installed in \d+ s$/m), { timeout: 5000 });
      } finally {
        started.kill('SIGTERM');
      }
    },
  );
});

describe('a start that cannot succeed', () => {
  it('names every fault of the configuration once, before it starts anything', () => {
    const { status, stdout, stderr } = start({
      SIMULATOR_VIDEO_SECONDS: '-1',
      SIMULATOR_DIALECT: 'sora',
      HOLD_TTL_SECONDS: '1',
      LOG_LEVEL: 'loud',
    });
    expect(stderr).toMatch(/^The configuration has 4 faults:\n( {2}[A-Z_]+: must .*\n){4}See \.env\.example/);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  it.each<[what: string, environment: Record<string, string>, said: RegExp, status: number]>([
    ['a port that is none', { PORT: 'abc' }, /^PORT=abc is not a port/, 2],
    [
      'a folder in which nothing can be written',
      { HOLDFAST_DIR: '/dev/null/holdfast' },
      /^Nothing can be written to \/dev\/null\/holdfast \(ENOTDIR\): .*HOLDFAST_DIR/,
      1,
    ],
    [
      'a database that is away',
      { DATABASE_URL: 'postgres://a:secret@127.0.0.1:1/h', MIGRATE_DATABASE_URL: 'postgres://b:secret@127.0.0.1:1/h' },
      /^PostgreSQL at 127\.0\.0\.1:1 \(MIGRATE_DATABASE_URL\) refuses the connection/,
      1,
    ],
    [
      'a Temporal server that is away',
      { TEMPORAL_ADDRESS: '127.0.0.1:1' },
      /^Temporal at 127\.0\.0\.1:1 \(TEMPORAL_ADDRESS\) does not answer: start it, or correct TEMPORAL_ADDRESS/,
      1,
    ],
  ])('%s is one line that says what to do', (_, environment, said, status) => {
    const result = start(environment);
    expect(result.stderr).toMatch(said);
    expect(result.stderr.split('\n')).toHaveLength(2);
    expect(result.stderr).not.toContain('secret');
    // Nothing was said to be ready before it had answered.
    expect(result.stdout).not.toContain('ready');
    expect(result.status).toBe(status);
  });
});
