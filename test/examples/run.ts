import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startOwnStack } from '../harness/support/ownStack.ts';
import { checksOf } from './checks.ts';
import { startExpress } from './express.ts';
import { startNextRoutes } from './nextRoutes.ts';

/**
 * `npm run test:examples`: the apps of `examples/` against a stack of its own. Express is installed from the registry, exactly as the
 * example says; the route handlers of the Next.js app are functions of the web's own Request and Response, and run without it.
 * The last line is "N passed, N failed".
 */

const EXAMPLES = { express: startExpress, next: startNextRoutes };

let passed = 0;
let failed = 0;

async function check(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
    passed += 1;
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const folder = await mkdtemp(join(tmpdir(), 'holdfast-examples-'));
const stack = await startOwnStack({ SIMULATOR_VIDEO_SECONDS: '0.5', LOG_LEVEL: 'error' });
try {
  for (const [name, start] of Object.entries(EXAMPLES)) {
    await check(`${name}: it runs`, async () => {
      for (const [what, work] of await checksOf(stack, start, join(folder, name)))
        await check(`${name}: ${what}`, work);
    });
  }
} finally {
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
