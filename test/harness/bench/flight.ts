import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { startOwnStack } from '../support/ownStack.ts';
import { type Customer, faultsOfBooks, openCustomer } from './books.ts';
import { median } from './figures.ts';
import { judged } from './judged.ts';
import { OURS, PARTS, type Part, type Site, startSite } from './site.ts';
import { requestVideos, untilDone } from './videos.ts';

/**
 * `npm run bench:flight [-- --generations 2000] [--seconds 600] [--margin 60] [--polled]`: what many long videos cost while nothing
 * happens to them, from a minute after the last request to a minute before the first end. The last line has the figures that are
 * promised. The exit code is 1 unless all settle rightly.
 */

const { values } = parseArgs({
  options: {
    generations: { type: 'string' },
    seconds: { type: 'string' },
    margin: { type: 'string' },
    polled: { type: 'boolean', default: false },
  },
});
const generations = Number(values.generations ?? 2000);
const videoSeconds = Number(values.seconds ?? 600);
const marginMs = Number(values.margin ?? 60) * 1000;
const CLIENTS = 16;
/** An account may have 300 in progress. */
const OF_EACH_ACCOUNT = 250;
const QUIET_MS = 15_000;
const SETTLE_LIMIT_MS = 1_800_000;
const STARTS = 3;

const say = (line: string) => process.stdout.write(`${line}\n`);
const readySeconds = await timeStarts();
const site = await startSite({ webhooks: !values.polled, videoSeconds });
const connection = await Connection.connect({ address: site.stack.endpoints.temporalAddress });
try {
  await delay(QUIET_MS);
  const idleMegabytes = site.megabytes('worker');
  const customers = await requestAll(site);
  const lastAtMs = Date.now();
  const firstEndMs = Math.min(...(await site.simulator.ends()).values());
  const flight = await measure(site, lastAtMs + marginMs, firstEndMs - marginMs);
  const ids = customers.flatMap((customer) => customer.ids);
  await untilDone(site, new Client({ connection }), ids, videoSeconds * 1000 + SETTLE_LIMIT_MS);
  const faults = await faultsOfBooks(site, customers);
  for (const fault of faults) say(fault);
  if (faults.length > 0) process.exitCode = 1;
  report(flight, { idleMegabytes, right: faults.length === 0 });
} finally {
  await connection.close();
  await site.stop();
}

/** From the command to a stack that is ready, in a new folder, where everything is installed. */
async function timeStarts(): Promise<number> {
  const seconds: number[] = [];
  for (let start = 0; start < STARTS; start += 1) {
    const beganMs = performance.now();
    const stack = await startOwnStack();
    seconds.push((performance.now() - beganMs) / 1000);
    await stack.stop();
  }
  return median(seconds);
}

async function requestAll(of: Site): Promise<Customer[]> {
  const customers: Customer[] = [];
  for (let left = generations; left > 0; left -= OF_EACH_ACCOUNT) {
    const customer = await openCustomer(of);
    const count = Math.min(left, OF_EACH_ACCOUNT);
    const ask = (index: number) => ({ prompt: `fox ${index}` });
    customer.ids.push(...(await requestVideos(of, customer, { count, clients: CLIENTS, ask })).ids);
    customers.push(customer);
  }
  return customers;
}

interface Flight {
  readonly seconds: number;
  /** Of one core. */
  readonly cores: Record<Part, number>;
  /** By kind of call. */
  readonly callsPerSecond: Readonly<Record<string, number>>;
  readonly workerMegabytes: number;
}

async function measure(of: Site, fromMs: number, toMs: number): Promise<Flight> {
  if (toMs <= fromMs) throw new Error('the videos are too short: the first ends before the flight can be measured');
  await delay(Math.max(0, fromMs - Date.now()));
  const callsBefore: Readonly<Record<string, number>> = { ...of.simulator.requests };
  const [cpuBefore, beganMs] = [of.cpuMs(), Date.now()];
  let workerMegabytes = 0;
  const sampling = setInterval(() => {
    workerMegabytes = Math.max(workerMegabytes, of.megabytes('worker'));
  }, 1000);
  await delay(toMs - Date.now());
  clearInterval(sampling);
  const [cpuAfter, tookMs] = [of.cpuMs(), Date.now() - beganMs];
  const cores = PARTS.map((part) => [part, (cpuAfter[part] - cpuBefore[part]) / tookMs]);
  return {
    seconds: tookMs / 1000,
    cores: Object.fromEntries(cores) as Record<Part, number>,
    callsPerSecond: Object.fromEntries(
      Object.entries(of.simulator.requests).map(([kind, calls]) => [
        kind,
        (calls - (callsBefore[kind] ?? 0)) / (tookMs / 1000),
      ]),
    ),
    workerMegabytes,
  };
}

function report(flight: Flight, { idleMegabytes, right }: { idleMegabytes: number; right: boolean }): void {
  const { cores, callsPerSecond } = flight;
  const calls = Object.values(callsPerSecond).reduce((sum, each) => sum + each, 0);
  const ours = OURS.reduce((sum, part) => sum + cores[part], 0);
  say(`${generations} videos of ${videoSeconds} s in flight, measured for ${flight.seconds.toFixed(0)} s`);
  say(
    `cores: ${PARTS.map((part) => `${part} ${cores[part].toFixed(3)}`).join(', ')}; with the simulator ${(ours + cores.simulator).toFixed(3)}`,
  );
  const kinds = Object.entries(callsPerSecond).map(([kind, each]) => `${kind} ${each.toFixed(2)}`);
  say(`provider calls a second: ${kinds.join(', ')}`);
  say(right ? 'all settled rightly' : 'the books are WRONG');
  say(
    [
      `cores ${judged(ours, 0.25, 3)}`,
      `provider calls a second ${judged(calls, 2, 2)}`,
      `worker ${judged(flight.workerMegabytes, 450)} MB`,
      `idle ${judged(idleMegabytes, 180)} MB`,
      `installed → ready ${judged(readySeconds, 3, 1)} s`,
    ].join(' · '),
  );
}
