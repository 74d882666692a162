import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { Agent } from 'undici';
import { forEachOf } from '../support/forEachOf.ts';
import { type Customer, faultsOfBooks, openCustomer } from './books.ts';
import { type Asked, askUntilAccepted } from './crowdClient.ts';
import { quantile } from './figures.ts';
import { judged, judgedAtLeast } from './judged.ts';
import { startSite } from './site.ts';
import { untilDone } from './videos.ts';

/**
 * `npm run bench:crowd [-- --videos 1500] [--clients 50]`: six tenants ask for so many videos in turn, and then for as many at
 * once. Clients that are refused come again when they were told to. A seventh tenant asks for one video in the middle. The last
 * line has the ratios. The exit code is 1 if the books are wrong afterwards.
 */

const { values } = parseArgs({ options: { videos: { type: 'string' }, clients: { type: 'string' } } });
const videos = Number(values.videos ?? 1500);
const clients = Number(values.clients ?? 50);
const TENANTS = 6;
const VIDEO_SECONDS = 6;
const DONE_LIMIT_MS = 600_000;

interface Phase {
  readonly seconds: number;
  readonly asked: readonly Asked[];
}

const say = (line: string) => process.stdout.write(`${line}\n`);
const site = await startSite({ webhooks: true, videoSeconds: VIDEO_SECONDS });
const { api, temporalAddress } = site.stack.endpoints;
const connection = await Connection.connect({ address: temporalAddress });
const temporal = new Client({ connection });
const agent = new Agent({ connections: null });
try {
  await phase('a warm-up', Math.ceil(videos / 20), 4);
  const inTurn = await phase(`with ${clients} clients in turn`, videos, clients);
  const seventh = openCustomer(site).then((customer) => askInTheMiddle(customer, inTurn.seconds / 2));
  const atOnce = await phase('at once', videos, videos);
  const { customer, asked } = await seventh;
  await untilDone(site, temporal, customer.ids, DONE_LIMIT_MS);
  const faults = await faultsOfBooks(site, [customer]);
  report(inTurn, atOnce, { asked, faults });
} finally {
  await Promise.all([connection.close(), agent.destroy()]);
  await site.stop();
}

/** So many videos of new tenants by so many clients; measures until all are accepted, then waits until all are done. */
async function phase(name: string, count: number, atOnce: number): Promise<Phase> {
  const customers = await Promise.all(Array.from({ length: TENANTS }, () => openCustomer(site)));
  const asked: Asked[] = [];
  const beganMs = performance.now();
  await forEachOf(
    Array.from({ length: count }, (_, index) => index),
    atOnce,
    (index) => askUntilAccepted(agent, api, customers[index % TENANTS]!, { prompt: `fox ${digitsOf(index)}`, asked }),
  );
  const seconds = (performance.now() - beganMs) / 1000;
  say(`${count} videos ${name}: all accepted after ${seconds.toFixed(1)} s, ${(count / seconds).toFixed(1)} a second`);
  await untilDone(
    site,
    temporal,
    customers.flatMap(({ ids }) => ids),
    DONE_LIMIT_MS,
  );
  const faults = await faultsOfBooks(site, customers);
  for (const fault of faults) say(fault);
  if (faults.length > 0) process.exitCode = 1;
  return { seconds, asked };
}

/** One by one: the simulator takes some numbers for a blocked word that is written with digits. */
function digitsOf(index: number): string {
  return String(index).replaceAll(/\d/g, '$& ');
}

async function askInTheMiddle(customer: Customer, afterSeconds: number) {
  const asked: Asked[] = [];
  await delay(afterSeconds * 1000);
  await askUntilAccepted(agent, api, customer, { prompt: 'a single fox', asked });
  return { customer, asked };
}

function report(inTurn: Phase, atOnce: Phase, seventh: { asked: readonly Asked[]; faults: readonly string[] }): void {
  const refused = atOnce.asked.filter(({ status }) => status !== 200);
  const returned = atOnce.asked.filter(({ again }) => again);
  const accepted = atOnce.asked.filter(({ status }) => status === 200);
  const spread = (asked: readonly Asked[]) =>
    [0.5, 0.99, 1]
      .map((part) =>
        quantile(
          asked.map(({ tookMs }) => tookMs),
          part,
        ).toFixed(0),
      )
      .join(' / ');
  const share = returned.length === 0 ? 1 : returned.filter(({ status }) => status === 200).length / returned.length;
  const slowestRefusalMs = Math.max(0, ...refused.map(({ tookMs }) => tookMs));
  const first = seventh.asked[0]!;
  say(
    `at once: accepted after p50 / p99 / most ${spread(accepted)} ms; ${refused.length} refusals after ${spread(refused)} ms`,
  );
  say(
    `the seventh tenant: ${seventh.asked.map(({ status, tookMs }) => `${status} after ${tookMs.toFixed(0)} ms`).join(', ')}`,
  );
  if (seventh.faults.length > 0) process.exitCode = 1;
  say(process.exitCode === 1 ? 'the books are WRONG' : 'no hold is left, and every balance is exact');
  say(
    [
      `time at once ÷ in turn ${judged(atOnce.seconds / inTurn.seconds, 1 / 0.85, 2)}`,
      `slowest refusal ${judged(slowestRefusalMs / 1000, 2, 1)} s`,
      `returns accepted ${judgedAtLeast(share, 0.8, 2)}`,
      `the seventh answered after ${judged(first.tookMs / 1000, 3, 1)} s`,
    ].join(' · '),
  );
}
