import { fileURLToPath } from 'node:url';
import { loadConfig } from '../config.ts';
import { readBuild } from '../platform/buildId.ts';
import { readEnvFile } from '../platform/envFile.ts';
import { sayFault } from '../platform/lifecycle.ts';
import { contactTemporal, temporalFault } from '../temporal/connection.ts';
import { createDependencies } from './dependencies.ts';
import { runWorker } from './run.ts';

/** A server that starts beside us gets this long. */
const TEMPORAL_CONTACT_MS = 20_000;

readEnvFile();
const config = loadConfig();
const dependencies = createDependencies(config);
const { client, log } = dependencies;
void dependencies.contactDatabase().then((fault) => sayFault(log, fault));
// A worker without Temporal has nothing to do: whoever runs it starts it again.
await contactTemporal(client, TEMPORAL_CONTACT_MS).catch((error: unknown) => {
  sayFault(log, { why: temporalFault(error, config.temporal), refused: true });
});
await runWorker(config, dependencies, readBuild(fileURLToPath(new URL('../workflow-bundle.js', import.meta.url))));
