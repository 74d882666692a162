import pLimit from 'p-limit';
import { freePort } from '../../dev/ports.ts';
import { Books } from './books.ts';
import { FaultyWire } from './faultyWire.ts';
import { startHoldfast } from './holdfast.ts';
import { litellm } from './litellm.ts';
import { runMore } from './more.ts';
import type { Bench, Row } from './orders.ts';
import { runCases } from './orders.ts';
import { refuseConnections } from './refusedConnections.ts';
import type { RealServer } from './servers.ts';
import { simulators } from './simulatorServer.ts';
import { sglang, sglangWithS3, vllmOmni } from './stubbedEngines.ts';
import type { Tested } from './table.ts';
import { lineOf, writeTable } from './table.ts';

/**
 * `npm run test:providers`: Holdfast in front of the published servers of the format, each in a Python environment of its own, with
 * a proxy between them that makes outages. `-- litellm sglang` runs these only, `case=success` this case only, and `--write`
 * replaces what docs/providers.md says of those that run. The last line is "N passed, N failed".
 */

const SERVERS: readonly RealServer[] = [
  litellm('1.110.2'),
  litellm('1.108.14'),
  vllmOmni,
  sglang,
  sglangWithS3,
  ...simulators,
];

/** Holds that nothing can settle end after this time, instead of an hour. */
const HOLD_TTL_SECONDS = 65;

/** Most of the time each waits. */
const AT_ONCE = 2;

const options = process.argv.slice(2);
const writes = options.includes('--write');
const cases = options.filter((option) => option.startsWith('case=')).map((option) => option.slice(5));
const wanted = options.filter((option) => !option.startsWith('--') && !option.startsWith('case='));
const isWanted = (name: string) => cases.length === 0 || cases.includes(name);
if (writes && cases.length > 0) throw new Error('--write is for servers with all of their cases');

/** Holdfast and the server start at once; nothing is sent before both run. */
async function test(server: RealServer): Promise<Row[]> {
  const wire = await FaultyWire.open(server.canonical);
  const port = await freePort();
  const settings = server.settings(port);
  const starting = [
    server.start(port),
    startHoldfast({
      baseUrl: `${wire.url}/v1`,
      directUrl: `http://127.0.0.1:${port}/v1`,
      settings,
      holdTtlSeconds: HOLD_TTL_SECONDS,
    }),
  ] as const;
  try {
    const [{ url: target }, { stack, provider }] = await Promise.all(starting);
    wire.target = new URL(target);
    const books = await Books.open(stack);
    try {
      await books.untilOpen();
      return await runAll({ server, books, wire, provider, target, holdTtlMs: HOLD_TTL_SECONDS * 1000 });
    } finally {
      await books.close();
    }
  } finally {
    wire.close();
    for (const started of await Promise.allSettled(starting)) {
      if (started.status === 'fulfilled') await started.value.stop();
    }
  }
}

async function runAll(bench: Bench): Promise<Row[]> {
  const passing = cases.length === 0 ? await refuseConnections(bench) : undefined;
  const [rows, more] = await Promise.all([runCases(bench, isWanted), runMore(bench, isWanted)]);
  const failure = await bench.books.fault();
  const expected = 'no drift; what is left is what was not charged';
  const books = { name: 'books', title: 'the books', expected, seen: failure ?? 'so', short: 'right', failure };
  return [...rows, ...((await passing?.ended) ?? []), ...more, books];
}

async function report(server: RealServer): Promise<Tested> {
  const beganMs = performance.now();
  const rows = await test(server).catch((error: unknown): Row[] => {
    const failure = error instanceof Error ? error.message : String(error);
    return [{ name: 'run', title: 'it runs', expected: 'it runs', seen: failure, short: 'no', failure }];
  });
  const right = rows.filter(({ failure }) => failure === undefined).length;
  const seconds = ((performance.now() - beganMs) / 1000).toFixed(0);
  console.log(`${server.title} ${server.version}: ${right} of ${rows.length} passed in ${seconds} s`);
  for (const row of rows) console.log(lineOf(row));
  return { server, rows, right };
}

const chosen = SERVERS.filter(({ name }) => wanted.length === 0 || wanted.some((each) => name.startsWith(each)));
const limit = pLimit(AT_ONCE);
const tested = await Promise.all(chosen.map((server) => limit(() => report(server))));
if (writes) await writeTable(tested, SERVERS);
const passed = tested.reduce((sum, { right }) => sum + right, 0);
const failed = tested.reduce((sum, { rows, right }) => sum + rows.length - right, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
