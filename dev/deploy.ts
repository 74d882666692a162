import { createTemporalClient } from '../temporal/connection.ts';
import { untilCurrent } from '../temporal/workerVersions.ts';
import type { Config } from './configuration.ts';
import { finishEarlierRuns } from './earlierBuilds.ts';
import { complain } from './output.ts';
import { StartRefused } from './ports.ts';

/**
 * Sends everything new to the worker of this stack, which runs the code as it is now, and finishes what earlier code has begun.
 * An operator's deployment does the first by `npm run deploy:current`.
 */
export async function deploy(
  temporal: Config['temporal'],
  build: Parameters<typeof finishEarlierRuns>[1],
  limitMs: number,
): Promise<void> {
  const client = createTemporalClient(temporal);
  if (!(await untilCurrent(client, build.ownBuild, limitMs)))
    throw new StartRefused('Temporal does not know the worker, so nothing can begin.');
  void finishEarlierRuns(client, build).catch((error: unknown) =>
    complain(`What earlier code has begun could not be looked for: ${String(error)}`),
  );
}
