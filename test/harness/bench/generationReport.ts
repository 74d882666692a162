import { median } from './figures.ts';
import type { Measured } from './generations.ts';
import { judged } from './judged.ts';

/** Prints the medians of each way, and the ratios that are promised of them. */

export interface Reading extends Measured {
  readonly way: string;
  readonly clients: number;
}

/** Where the CPU is compared: neither alone nor in a crowd. */
const USUAL_CLIENTS = 4;
const LIMITS = { cpu: 1.3, hookedEvents: 38, polledEvents: 44, post: 0.7 };

export function report(
  readings: readonly Reading[],
  { idleMegabytes, rounds }: { idleMegabytes: number; rounds: number },
) {
  const of = (way: string, clients: number, figure: (reading: Reading) => number) =>
    median(readings.filter((each) => each.way === way && each.clients === clients).map(figure));
  const kinds = [...new Map(readings.map(({ way, clients }) => [`${way}|${clients}`, { way, clients }])).values()];
  const rows = kinds
    .toSorted((a, b) => a.way.localeCompare(b.way) || a.clients - b.clients)
    .map(({ way, clients }) => rowOf(way, clients, (figure) => of(way, clients, figure)));
  const cpuRatio = (clients: number) =>
    of('webhook-driven', clients, ({ cpuMs }) => cpuMs.all) / of('bare', clients, ({ cpuMs }) => cpuMs.all);
  const workerMegabytes = Math.max(
    ...readings.map((each) => each.workerMegabytes).filter((each) => !Number.isNaN(each)),
  );
  const polled = kinds.filter(({ way }) => way.startsWith('polled'));
  const polledEvents = Math.max(...polled.map(({ way, clients }) => of(way, clients, ({ events }) => events.own)));
  const hookedEvents = of('webhook-driven', USUAL_CLIENTS, ({ events }) => events.own);
  const postRatio = of('webhook-driven', 1, ({ p50Ms }) => p50Ms) / of('bare', 1, ({ p50Ms }) => p50Ms);
  const everyCpuRatio = kinds
    .filter(({ way }) => way === 'bare')
    .map(({ clients }) => `${cpuRatio(clients).toFixed(2)} with ${clients} ${clients === 1 ? 'client' : 'clients'}`);
  const lines = [
    `medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}; CPU in milliseconds a generation, \`all\` without the simulator`,
    HEAD,
    ...rows,
    '',
    `worker: ${idleMegabytes.toFixed(0)} MB resident before the first generation, ${workerMegabytes.toFixed(0)} MB at most`,
    `CPU, webhook-driven ÷ bare: ${everyCpuRatio.join(', ')}`,
    [
      `CPU ÷ bare ${judged(cpuRatio(USUAL_CLIENTS), LIMITS.cpu, 2)}`,
      `events webhook-driven ${judged(hookedEvents, LIMITS.hookedEvents)}`,
      `polled ${judged(polledEvents, LIMITS.polledEvents)}`,
      `POST alone ÷ bare ${judged(postRatio, LIMITS.post, 2)}`,
    ].join(' · '),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

const CPU = ['temporal', 'worker', 'api', 'postgres', 'all', 'simulator'] as const;
const HEAD = [
  'way'.padEnd(16),
  'clients',
  ...CPU.map((part) => part.padStart(9)),
  ' events',
  '(all workflows)',
  '   p50',
  '   p99',
  'settled after',
].join(' ');

function rowOf(way: string, clients: number, of: (figure: (reading: Reading) => number) => number): string {
  const number = (value: number, width: number, digits = 0) =>
    (Number.isNaN(value) ? '' : value.toFixed(digits)).padStart(width);
  return [
    way.padEnd(16),
    number(clients, 7),
    ...CPU.map((part) =>
      number(
        of(({ cpuMs }) => cpuMs[part]),
        9,
        1,
      ),
    ),
    number(
      of(({ events }) => events.own),
      7,
    ),
    number(
      of(({ events }) => events.all),
      15,
    ),
    number(
      of(({ p50Ms }) => p50Ms),
      6,
    ),
    number(
      of(({ p99Ms }) => p99Ms),
      6,
    ),
    number(
      of(({ lagMs }) => lagMs),
      13,
    ),
  ].join(' ');
}
