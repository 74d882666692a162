import { setWorkflowOptions, workflowInfo } from '@temporalio/workflow';
import { WORKER_DEPLOYMENT } from '../contracts/temporal.ts';
import { generateText } from './generateText.ts';
import { generateVideo } from './generateVideo.ts';

export { deliverWebhook } from './deliverWebhook.ts';
export { generateText, generateVideo };
export { reconcileHolds } from './reconcileHolds.ts';
export { sweepProvider } from './sweepProvider.ts';

/**
 * A generation ends with the code that began it, whatever is deployed meanwhile; other workflows go on with the newest. The
 * server refuses this behaviour from a worker without a version.
 */
const pinned = () =>
  workflowInfo().currentDeploymentVersion?.deploymentName === WORKER_DEPLOYMENT
    ? ({ versioningBehavior: 'PINNED' } as const)
    : {};

for (const generation of [generateVideo, generateText]) setWorkflowOptions(pinned, generation);
