import { type Books, openBooks } from '../support/database.ts';
import { openDatabase } from '../../../store/index.ts';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import autocannon from 'autocannon';
import { repository } from '../../../dev/state.ts';
import { type Pool } from '../../../store/index.ts';
import type { OwnAccount, OwnStack } from '../support/ownStack.ts';
import { median } from './figures.ts';

/** `GET /v1/videos/{id}` of the API's own process, beside bare hono and pg in another, in turns. */

const POOL_SIZE = 20;
const CONNECTIONS = 16;
const WARM_UP = 10_000;
/** `bare` sends the one SELECT of the video. */
const WAYS = ['API', 'bare'] as const;
type Way = (typeof WAYS)[number];

export interface ReadOptions {
  readonly rounds: number;
  readonly seconds: number;
}

/** Measures, and returns the lines to print. */
export async function benchReads(
  { endpoints }: OwnStack,
  account: OwnAccount,
  ids: readonly string[],
  { rounds, seconds }: ReadOptions,
): Promise<string[]> {
  const bare = await startBare(endpoints.databaseUrl, account.id);
  const urls: Record<Way, string> = {
    API: `${endpoints.api}/v1/videos/`,
    bare: `${bare.url}/`,
  };
  const found = new Map<Way, { perSecond: number[]; p99Ms: number[] }>(
    WAYS.map((way) => [way, { perSecond: [], p99Ms: [] }]),
  );
  try {
    // Round 0 warms up, by a number of requests: by time, the slower one would be compiled less.
    for (let round = 0; round <= rounds; round += 1) {
      for (const way of WAYS) {
        const result = await load(
          urls[way],
          account.key,
          ids,
          round === 0 ? { amount: WARM_UP } : { duration: seconds },
        );
        if (round === 0) continue;
        found.get(way)!.perSecond.push(result.requests.average);
        found.get(way)!.p99Ms.push(result.latency.p99);
      }
    }
  } finally {
    bare.stop();
  }
  const perSecond = (way: Way) => median(found.get(way)!.perSecond);
  return WAYS.map((way) => {
    const ratio = way === 'API' ? '' : `, the API makes ${(perSecond('API') / perSecond(way)).toFixed(2)} of it`;
    return `GET /v1/videos/{id}, ${way.padEnd(4)} ${perSecond(way).toFixed(0).padStart(6)}/s  p99 ${median(found.get(way)!.p99Ms)} ms${ratio}`;
  });
}

async function load(
  url: string,
  key: string,
  ids: readonly string[],
  length: { amount: number } | { duration: number },
): Promise<autocannon.Result> {
  const { origin } = new URL(url);
  const headers = { authorization: `Bearer ${key}` };
  const requests = ids.map((id): autocannon.Request => ({ method: 'GET', path: new URL(url + id).pathname, headers }));
  const result = await autocannon({ url: origin, connections: CONNECTIONS, ...length, requests });
  if (result.non2xx + result.errors > 0) {
    throw new Error(`${url}: ${result.non2xx} answers were no 2xx, ${result.errors} requests failed`);
  }
  return result;
}

async function startBare(databaseUrl: string, accountId: string) {
  const given = {
    databaseUrl,
    accountId,
    poolSize: POOL_SIZE,
    video: await statementOf((ledger) => ledger.getGeneration('', '')),
  };
  const args = ['--import', 'tsx', 'test/harness/bench/bareApi.ts', JSON.stringify(given)];
  const child = spawn(process.execPath, args, { cwd: repository, stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] =
    (await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next()).value?.split('\n') ?? [];
  if (port === undefined) throw new Error('the bare server did not start');
  return { url: `http://127.0.0.1:${port}`, stop: () => child.kill() };
}

/** The statement that an operation sends, for the bare server to send the same one. */
async function statementOf(operate: (ledger: Books) => Promise<unknown>) {
  let sent: { name: string; text: string } | undefined;
  const query = async ({ name, text }: { name: string; text: string }) => {
    sent = { name, text };
    return { rows: [] };
  };
  await operate(openBooks(openDatabase({ query, connect: query } as unknown as Pool)));
  if (sent === undefined) throw new Error('no statement was sent');
  return sent;
}
