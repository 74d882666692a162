import { setWorkflowOptions } from '@temporalio/workflow';
import { generateText } from './generateText.ts';
import { generateVideo } from './generateVideo.ts';

export { deliverWebhook } from './deliverWebhook.ts';
export { generateText, generateVideo };
export { reconcileHolds } from './reconcileHolds.ts';

/** A generation ends with the code that began it, whatever is deployed meanwhile. Other workflows go on with the newest. */
for (const generation of [generateVideo, generateText])
  setWorkflowOptions({ versioningBehavior: 'PINNED' }, generation);
