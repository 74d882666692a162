import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { type BareRun, startBare } from './bareWorkflow.ts';
import { median } from './figures.ts';
import { Generations, type Measured } from './generations.ts';
import { type Reading, report } from './generationReport.ts';
import { startSite } from './site.ts';

/**
 * `npm run bench:generation [-- --quick] [--rounds 5] [--long-seconds 100]`: what a generation costs, beside the bare workflow of
 * `bare/`. In each round every way has its turn, and all figures are medians of the rounds. The last lines are the ratios.
 */

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    'long-seconds': { type: 'string' },
  },
});
const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
const longSeconds = Number(values['long-seconds'] ?? (values.quick ? 20 : 100));
const VIDEO_SECONDS = 6;
const QUIET_MS = values.quick ? 3000 : 15_000;
/** How many videos, by how many clients ask at once. An account may have 300 in progress. */
const COUNTS: readonly [clients: number, count: number][] = values.quick
  ? [
      [1, 10],
      [4, 20],
    ]
  : [
      [1, 40],
      [4, 60],
      [50, 150],
    ];

const say = (line: string) => process.stderr.write(`${line}\n`);

say(
  'starting two stacks, one with a provider that sends webhooks and one with a provider that does not, and a bare server',
);
const hooked = await startSite({ webhooks: true, videoSeconds: VIDEO_SECONDS });
const polled = await startSite({ webhooks: false, videoSeconds: VIDEO_SECONDS });
const bare = await startBare();
const connections = await Promise.all(
  [hooked, polled].map(({ stack }) => Connection.connect({ address: stack.endpoints.temporalAddress })),
);
const [ofHooked, ofPolled] = [hooked, polled].map(
  (site, place) => new Generations(site, new Client({ connection: connections[place]! })),
) as [Generations, Generations];

try {
  await delay(QUIET_MS);
  const idleMegabytes = hooked.megabytes('worker');
  await ofHooked.run({ count: 10, clients: 4, videoSeconds: 1 });
  await ofPolled.run({ count: 10, clients: 4, videoSeconds: 1 });
  await bare.run({ count: 10, clients: 4, videoSeconds: 1 });
  const readings: Reading[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const [clients, count] of COUNTS) {
      const options = { count, clients, videoSeconds: VIDEO_SECONDS };
      readings.push({ way: 'bare', clients, ...fromBare(await bare.run(options)) });
      readings.push({ way: 'webhook-driven', clients, ...(await ofHooked.run(options)) });
      if (clients === 4) readings.push({ way: 'polled', clients, ...(await ofPolled.run(options)) });
    }
    say(`round ${round} of ${rounds} is over`);
  }
  // Once, for its length: a video of eight seconds, so that the short ones don't count as similar to it.
  const long = { count: 20, clients: 4, videoSeconds: longSeconds, seconds: '8' };
  readings.push({ way: `polled, ${longSeconds} s`, clients: 4, ...(await ofPolled.run(long)) });
  report(readings, { idleMegabytes, rounds });
} finally {
  await Promise.all(connections.map((connection) => connection.close()));
  await Promise.all([hooked.stop(), polled.stop(), bare.stop()]);
}

function fromBare({ p50_ms, p99_ms, events, cpu_ms_each: { server, worker, client, all } }: BareRun): Measured {
  return {
    p50Ms: p50_ms,
    p99Ms: p99_ms,
    events: { own: events, all: events },
    cpuMs: { temporal: server, worker, api: client, postgres: 0, simulator: 0, all },
    lagMs: median([]),
    workerMegabytes: median([]),
  };
}
