import { fileURLToPath } from 'node:url';
import { loadConfig } from '../config.ts';
import { readBuild } from '../platform/buildId.ts';
import { readEnvFile } from '../platform/envFile.ts';
import { sayFault } from '../platform/lifecycle.ts';
import { startTracing } from '../platform/tracing.ts';
import { contactTemporal, isAway, temporalFault } from '../temporal/connection.ts';
import { createDependencies } from './dependencies.ts';
import { runWorker } from './run.ts';

/** A server that starts beside us gets this long. */
const TEMPORAL_CONTACT_MS = 20_000;

readEnvFile();
const config = loadConfig();
const tracing = await startTracing('worker', config);
const dependencies = createDependencies(config, tracing);
const { client, log } = dependencies;
void dependencies.contactDatabase().then((fault) => sayFault(log, fault));
// A worker without Temporal has nothing to do: whoever runs it starts it again.
const endWithoutTemporal = (error: unknown) => {
  sayFault(log, { why: temporalFault(error, config.temporal), refused: true });
};
await contactTemporal(client, TEMPORAL_CONTACT_MS).catch(endWithoutTemporal);
const bundle = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
await runWorker(config, dependencies, readBuild(bundle, { traced: tracing !== undefined })).catch((error: unknown) => {
  // It went away while this worker started.
  if (!isAway(error)) throw error;
  endWithoutTemporal(error);
});
