import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { freePort, untilItWorks } from '../../../dev/ports.ts';
import { repository } from '../../../dev/state.ts';
import { type Customer, faultsOfBooks, openCustomer } from '../bench/books.ts';
import { type Site, startSite } from '../bench/site.ts';
import { untilDone } from '../bench/videos.ts';
import { stopWithThisProcess } from '../support/stopWithThisProcess.ts';
import { listRunBy, makeNext, runProgram } from './next.ts';

/**
 * `npm run test:upgrade [-- --generations N]`: this version is replaced by the next one, process by process, while clients ask for
 * videos. Nothing may be lost, no answer may be a 5xx but an honest 503, and the videos of both versions must settle.
 */

const { values } = parseArgs({ options: { generations: { type: 'string', default: '200' } } });
const GENERATIONS = Number(values.generations);
const VIDEO_SECONDS = 20;
const READY_LIMIT_MS = 60_000;

const say = (line: string) => process.stdout.write(`${line}\n`);

interface Program {
  readonly url: string;
  readonly end: () => Promise<number | null>;
}

/** Runs API or worker of a version beside the stack's own. */
async function start(site: Site, folder: string, kind: 'api' | 'worker'): Promise<Program> {
  const [port, metrics] = [await freePort(), await freePort()];
  const { endpoints } = site.stack;
  const child: ChildProcess = spawn(process.execPath, [`dist/${kind}/main.js`], {
    cwd: folder,
    env: {
      ...environment(site),
      ...(kind === 'api'
        ? { PORT: String(port), METRICS_PORT: String(metrics), ADMIN_KEY: endpoints.adminKey }
        : { WORKER_METRICS_PORT: String(metrics) }),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const endWatch = stopWithThisProcess(child);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const ready = kind === 'api' ? `http://127.0.0.1:${port}/readyz` : `http://127.0.0.1:${metrics}/metrics`;
  await untilItWorks(async () => {
    const answer = await fetch(ready);
    if (!answer.ok) throw new Error(`${kind} is not ready`);
  }, READY_LIMIT_MS);
  return {
    url: `http://127.0.0.1:${port}`,
    end: async () => {
      child.kill('SIGTERM');
      const code = await ended;
      endWatch();
      return code;
    },
  };
}

function environment({ stack: { endpoints }, simulator }: Site): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    HOLDFAST_ENV_FILE: '/dev/null',
    LOG_LEVEL: 'warn',
    RATE_LIMIT_PER_MINUTE: '1000000',
    DATABASE_URL: endpoints.databaseUrl,
    MIGRATE_DATABASE_URL: endpoints.migrateDatabaseUrl,
    TEMPORAL_ADDRESS: endpoints.temporalAddress,
    TEMPORAL_NAMESPACE: endpoints.temporalNamespace,
    OPENAI_API_KEY: 'sk-simulator-3f9c1b7e52d84a06',
    OPENAI_BASE_URL: `${simulator.url}/v1`,
    ARCHIVE_DIR: `${repository}/.holdfast/upgrade-archive`,
  };
}

/** Asks for one video of whatever API takes requests now, until it is accepted. */
async function ask(apis: readonly string[], customer: Customer, answers: Map<number | string, number>): Promise<void> {
  for (;;) {
    const api = apis[Math.floor(Math.random() * apis.length)] ?? '';
    const answer = await fetch(`${api}/v1/videos`, {
      method: 'POST',
      headers: { authorization: `Bearer ${customer.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'a fox between two versions' }),
      // A load balancer has taken the API out that is gone.
    }).catch(() => undefined);
    const status = answer?.status ?? 'no connection';
    answers.set(status, (answers.get(status) ?? 0) + 1);
    const body = await answer?.text();
    if (answer?.status === 200) {
      customer.ids.push((JSON.parse(body ?? '') as { id: string }).id);
      return;
    }
    if (answer !== undefined && answer.status !== 503) throw new Error(`${answer.status} ${body}`);
    await delay(Number(answer?.headers.get('retry-after') ?? 1) * 1000);
  }
}

say('building the next version: a changed workflow, an added column, a changed function');
const next = await makeNext(tmpdir());
const site = await startSite({ webhooks: false, videoSeconds: VIDEO_SECONDS });
const temporal = new Client({
  connection: await Connection.connect({ address: site.stack.endpoints.temporalAddress }),
});
let failed = true;
try {
  const customer = await openCustomer(site);
  const answers = new Map<number | string, number>();
  const [oldApi, oldWorker] = [await start(site, repository, 'api'), await start(site, repository, 'worker')];
  const apis = [oldApi.url];
  let isUpgraded = false;
  const load = (async () => {
    // A part before, most meanwhile, a part after.
    for (let asked = 0; asked < GENERATIONS || !isUpgraded; asked += 4) {
      await Promise.all(Array.from({ length: 4 }, () => ask(apis, customer, answers)));
      await delay(300);
    }
  })();
  load.catch(() => undefined);
  const untilAccepted = (count: number) =>
    untilItWorks(async () => {
      if (customer.ids.length < count) throw new Error(`only ${customer.ids.length} of ${count} were accepted`);
    }, 300_000);

  await untilAccepted(GENERATIONS / 4);
  say(`${customer.ids.length} accepted; the next version migrates`);
  await runProgram(next, 'dist/migrations/main.js', environment(site));
  say(`${customer.ids.length} accepted; its worker starts and becomes the current one`);
  const newWorker = await start(site, next, 'worker');
  await runProgram(next, 'dist/temporal/main.js', environment(site));
  const before = customer.ids.length;
  await untilAccepted(before + GENERATIONS / 8);
  say(`${customer.ids.length} accepted; a worker of this version ends`);
  await oldWorker.end();
  const newApi = await start(site, next, 'api');
  apis.push(newApi.url);
  await untilAccepted(customer.ids.length + GENERATIONS / 8);
  say(`${customer.ids.length} accepted; the API of this version ends`);
  apis.shift();
  const code = await oldApi.end();
  isUpgraded = true;
  await load;
  say(`${customer.ids.length} accepted; waiting for their end`);
  await untilDone(site, temporal, customer.ids, 240_000);
  const ofNext = await listRunBy(temporal, next);
  const byNext = customer.ids.filter((id) => ofNext.has(id)).length;
  const faults = await faultsOfBooks(site, [customer]);
  if (code !== 0) faults.push(`the API ended with ${code}`);
  if (byNext === 0 || byNext === customer.ids.length) faults.push(`${byNext} were made by the next version`);
  await newApi.end();
  await newWorker.end();
  say(`answers: ${[...answers].map(([status, count]) => `${status} × ${count}`).join(', ')}`);
  for (const fault of faults) say(fault);
  failed = faults.length > 0;
  say(
    `${customer.ids.length} videos over an upgrade, ${byNext} of them by the next version: ${failed ? 'FAILED' : 'all charged once, nothing held'}`,
  );
} finally {
  await temporal.connection.close();
  await site.stop();
  await rm(next, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
