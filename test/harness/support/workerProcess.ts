import { loadConfig } from '../../../config.ts';
import { readBuild } from '../../../platform/buildId.ts';
import { createDependencies } from '../../../worker/dependencies.ts';
import { runWorker } from '../../../worker/run.ts';
import { interruptAt, isCrashPoint } from './crashPoints.ts';

/**
 * A worker as `worker/main.ts` puts it together, for tests that start many and kill them:
 * `WORKFLOW_BUNDLE`: the path of the workflow bundle;
 * `CRASH_AT`: the point at which this process kills itself, as `kill -9` would, the first time it comes there.
 */
const { WORKFLOW_BUNDLE: bundle = '', CRASH_AT: point } = process.env;
const config = loadConfig();
const dependencies = createDependencies(config);
if (point !== undefined && !isCrashPoint(point)) throw new Error(`CRASH_AT: there is no point ${point}`);
const activities =
  point === undefined
    ? dependencies.activities
    : interruptAt(dependencies.activities, point, () => process.kill(process.pid, 'SIGKILL'));
await runWorker(config, { ...dependencies, activities }, readBuild(bundle));
