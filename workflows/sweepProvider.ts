import { continueAsNew, proxyActivities } from '@temporalio/workflow';
import type { SweepActivities, SweepInput } from '../contracts/sweep.ts';
import { TASK_QUEUE } from '../contracts/temporal.ts';
import { describe } from './describe.ts';

/**
 * Temporal's server tries it again without end and without an event, so a day is eleven events. Longer than a day, so that the
 * activity ends its day itself.
 */
const { sweepProvider: sweep } = proxyActivities<SweepActivities>({
  taskQueue: TASK_QUEUE.provider,
  startToCloseTimeout: '25 hours',
  heartbeatTimeout: '30 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
  summary: "read the provider's list while videos are open there",
});

/**
 * Carries the sweep of one provider's list, a day in each run. It ends when the provider is no longer swept; a worker whose
 * settings say otherwise starts it again.
 */
export async function sweepProvider(input: SweepInput): Promise<void> {
  describe(
    `Reading the list of ${input.provider} while videos are open there. Workflows whose video has ended look at once; nothing else depends on this.`,
  );
  if ((await sweep(input)) === 'not_swept') {
    describe(`${input.provider} is not swept any more, by the settings of the worker that was asked.`);
    return;
  }
  await continueAsNew<typeof sweepProvider>(input);
}
