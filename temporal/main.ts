import { fileURLToPath } from 'node:url';
import { loadToolConfig } from '../config.ts';
import { readBuild } from '../platform/buildId.ts';
import { readEnvFile } from '../platform/envFile.ts';
import { contactTemporal, createTemporalClient, isAway, temporalFault } from './connection.ts';
import { untilCurrent } from './workerVersions.ts';

/**
 * `npm run deploy:current`: the step of a deployment that sends everything new to the workers of this build, once they run.
 * What is open stays with the workers that began it. Exits with 1, and changes nothing, when no such worker runs.
 */

const WORKERS_START_WITHIN_MS = 60_000;

readEnvFile();
const config = loadToolConfig();
const build = readBuild(fileURLToPath(new URL('../workflow-bundle.js', import.meta.url)));
const client = createTemporalClient(config.temporal);

function explain(error: unknown): string {
  if (isAway(error)) return temporalFault(error, config.temporal);
  return error instanceof Error ? error.message : String(error);
}

try {
  await contactTemporal(client, 5000).catch((error: unknown) => {
    throw new Error(temporalFault(error, config.temporal));
  });
  if (!(await untilCurrent(client, build.id, WORKERS_START_WITHIN_MS)))
    throw new Error(`No worker of build ${build.id} runs: nothing was changed.`);
  process.stdout.write(`Build ${build.id} is current: everything new begins with its workers.\n`);
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = 1;
}
await client.connection.close();
