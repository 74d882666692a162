import type { OwnStack } from '../harness/support/ownStack.ts';
import { startOwnStack } from '../harness/support/ownStack.ts';
import { Books } from './books.ts';
import { FaultyWire } from './faultyWire.ts';
import { litellm } from './litellm.ts';
import type { Bench, Row } from './orders.ts';
import { runCases } from './orders.ts';
import { refuseConnections } from './refusedConnections.ts';
import type { RealServer } from './servers.ts';
import { API_KEY } from './servers.ts';
import { sglang, sglangWithS3, vllmOmni } from './stubbedEngines.ts';

/**
 * `npm run test:providers`: Holdfast in front of the published servers of the format, each in a Python environment of its own, with
 * a proxy between them that makes outages. `-- litellm-1.110.2 vllm-omni` runs these only; `--write` writes docs/providers.md. The
 * last line is "N passed, N failed".
 */

const SERVERS: readonly RealServer[] = [litellm('1.110.2'), litellm('1.108.14'), vllmOmni, sglang, sglangWithS3];

/** Holds that nothing can settle end after this time, instead of an hour. */
const HOLD_TTL_SECONDS = 65;

const options = process.argv.slice(2);
const wanted = options.filter((option) => !option.startsWith('--') && !option.startsWith('case='));
const cases = options.filter((option) => option.startsWith('case=')).map((option) => option.slice(5));
const isWanted = (name: string) => cases.length === 0 || cases.includes(name);

/** Stack and server start at once; nothing is sent before both run. */
async function test(server: RealServer): Promise<Row[]> {
  const wire = await FaultyWire.open(server.canonical);
  const starting = [server.start(), startStack(server, wire)] as const;
  try {
    const [running, stack] = await Promise.all(starting);
    wire.target = new URL(running.url);
    const books = await Books.open(stack);
    try {
      return await runAll({ server, books, wire, holdTtlMs: HOLD_TTL_SECONDS * 1000 });
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

function startStack({ settings }: RealServer, wire: FaultyWire): Promise<OwnStack> {
  return startOwnStack({
    LOG_LEVEL: 'error',
    OPENAI_BASE_URL: `${wire.url}/v1`,
    OPENAI_API_KEY: API_KEY,
    HOLD_TTL_SECONDS: String(HOLD_TTL_SECONDS),
    LOOK_FOR_CREATE_SECONDS: '4',
    ...settings,
  });
}

async function runAll(bench: Bench): Promise<Row[]> {
  const passing = cases.length === 0 ? await refuseConnections(bench) : undefined;
  const rows = await runCases(bench, isWanted);
  const failure = await bench.books.fault();
  const expected = 'no drift; what is left is what was not charged';
  const books = { name: 'books', title: 'the books', expected, seen: failure ?? 'so', failure };
  return [...rows, ...((await passing?.ended) ?? []), books];
}

let passed = 0;
let failed = 0;
for (const server of SERVERS.filter(
  ({ name }) => wanted.length === 0 || wanted.some((each) => name.startsWith(each)),
)) {
  const beganMs = performance.now();
  const rows = await test(server).catch((error: unknown): Row[] => {
    const failure = error instanceof Error ? error.message : String(error);
    return [{ name: 'run', title: 'it runs', expected: 'it runs', seen: failure, failure }];
  });
  const failures = rows.filter(({ failure }) => failure !== undefined);
  const seconds = ((performance.now() - beganMs) / 1000).toFixed(0);
  console.log(
    `${server.title} ${server.version}: ${rows.length - failures.length} of ${rows.length} passed in ${seconds} s`,
  );
  for (const { title, expected, seen, failure } of rows) {
    console.log(
      `  ${failure === undefined ? 'ok    ' : 'FAILED'} ${title} · expected ${expected} · seen ${seen}${failure === undefined ? '' : ` · ${failure}`}`,
    );
  }
  passed += rows.length - failures.length;
  failed += failures.length;
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
