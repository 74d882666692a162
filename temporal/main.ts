import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadToolConfig } from '../config.ts';
import { readBuild } from '../platform/buildId.ts';
import { readEnvFile } from '../platform/envFile.ts';
import { contactTemporal, createTemporalClient, temporalFault } from './connection.ts';
import { makeCurrent } from './workerVersions.ts';

/**
 * `npm run deploy:current`: the step of a deployment that sends everything new to the workers of this build, once they run.
 * What is open stays with the workers that began it. Exits with 1, and changes nothing, when no such worker runs.
 */

const WORKERS_START_WITHIN_MS = 60_000;
const ASK_AGAIN_MS = 500;

readEnvFile();
const config = loadToolConfig();
const build = readBuild(fileURLToPath(new URL('../workflow-bundle.js', import.meta.url)));
const client = createTemporalClient(config.temporal);

async function untilItIsCurrent(): Promise<string> {
  const untilMs = performance.now() + WORKERS_START_WITHIN_MS;
  while (!(await makeCurrent(client, build.id))) {
    if (performance.now() > untilMs) throw new Error(`No worker of build ${build.id} runs: nothing was changed.`);
    await delay(ASK_AGAIN_MS);
  }
  return `Build ${build.id} is current: everything new begins with its workers.\n`;
}

try {
  await contactTemporal(client, 5000).catch((error: unknown) => {
    throw new Error(temporalFault(error, config.temporal));
  });
  process.stdout.write(await untilItIsCurrent());
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
await client.connection.close();
