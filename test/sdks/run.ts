import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTool } from '../../dev/processes.ts';
import { startOwnStack } from '../harness/support/ownStack.ts';
import { PNG } from '../harness/support/png.ts';
import { AccountsOfPrograms } from './accounts.ts';
import { startBridge } from './bridge.ts';
import { OWN_TESTS } from './ownTests.ts';
import { startCountingProxy } from './proxy.ts';
import type { Program, Sdk } from './sdks.ts';
import { SDKS } from './sdks.ts';
import type { StepResult } from './steps.ts';
import { readSteps } from './steps.ts';

/**
 * `npm run test:sdks`: OpenAI's SDKs, unchanged, in five languages against a stack of its own, and the tests that the SDKs
 * ship for videos. `npm run test:sdks -- go java` runs these only. The last line is "N passed, N failed".
 */

const PROGRAM_LIMIT_MS = 120_000;
const wanted = process.argv.slice(2);
const isWanted = ({ name }: { name: string }) => wanted.length === 0 || wanted.includes(name);
let passed = 0;
let failed = 0;

/** One line for each group of steps, and one for each step that failed. */
function report(title: string, results: readonly StepResult[]): void {
  for (const group of new Set(results.map((result) => result.group))) {
    const ofGroup = results.filter((result) => result.group === group);
    const failures = ofGroup.filter(({ failure }) => failure !== undefined);
    const names = ofGroup.length > 12 ? '' : `: ${ofGroup.map(({ name }) => name).join(', ')}`;
    console.log(`${title} · ${group} · ${ofGroup.length - failures.length} of ${ofGroup.length} passed${names}`);
    for (const { name, failure } of failures) console.log(`  FAILED ${title} · ${name}: ${failure}`);
    passed += ofGroup.length - failures.length;
    failed += failures.length;
  }
}

function reportBroken(title: string, reason: unknown): void {
  report(title, [
    { group: 'run', name: 'it runs', failure: reason instanceof Error ? reason.message : String(reason) },
  ]);
}

async function runProgram({ title, exceptions }: Sdk, { command, args, compiled = [] }: Program): Promise<void> {
  const made = await accounts.make();
  const { output } = await runTool(command, [...args], {
    limitMs: PROGRAM_LIMIT_MS,
    env: {
      ...process.env,
      API_URL: `${proxy.url}/v1`,
      PNG_FILE: png,
      API_KEY: made.rich,
      POOR_KEY: made.poor,
      FULL_KEY: made.full,
      LOSSY_KEY: made.lossy,
    },
  });
  const steps = readSteps(output, Object.keys(exceptions));
  if (steps.some(({ failure }) => failure === 'not reached')) console.log(output.slice(-4000));
  report(title, [...compiled, ...steps, ...(await accounts.seen(proxy, made))]);
  for (const [name, why] of Object.entries(exceptions)) console.log(`${title} · without ${name}: ${why}`);
}

// The first is compiled and installed while the stack starts; each SDK's program runs alone, for some measure time.
const sdks = SDKS.filter(isWanted).map((sdk) => ({ sdk, program: sdk.prepare() }));
for (const { program } of sdks) program.catch(() => undefined);
const folder = await mkdtemp(join(tmpdir(), 'holdfast-sdks-'));
const png = join(folder, 'fox.png');
await writeFile(png, PNG);
const stack = await startOwnStack({
  SIMULATOR_VIDEO_SECONDS: '0.3',
  LOG_LEVEL: 'error',
  RATE_LIMIT_PER_MINUTE: '100000',
});
const accounts = await AccountsOfPrograms.open(stack);
const proxy = await startCountingProxy(stack.endpoints.api, (answer) => accounts.onAnswer(answer));
try {
  for (const { sdk, program } of sdks) {
    await program.then((ready) => runProgram(sdk, ready)).catch((reason: unknown) => reportBroken(sdk.title, reason));
  }
  const { rich } = await accounts.make();
  const bridge = await startBridge(stack.endpoints.api, rich);
  for (const { title, run } of OWN_TESTS.filter(isWanted)) {
    await run(bridge.url).then(
      (results) => report(title, results),
      (reason: unknown) => reportBroken(title, reason),
    );
  }
  await bridge.close();
} finally {
  await proxy.close();
  await accounts.close();
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
