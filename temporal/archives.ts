import type { Client } from '@temporalio/client';
import { ActivityNotFoundError } from '@temporalio/client';
import type { GenerationRef, OutboundActivities } from '../contracts/activities.ts';
import { archiveActivityId, COPY, PRIORITY, SEARCH_ATTRIBUTE } from '../contracts/temporal.ts';

/** The copies of charged videos' contents to the archive: standalone activities, one at a time for each generation. */
export function createArchives(client: Client) {
  const activities = client.activity.typed<OutboundActivities>();
  return {
    /** Starts the copy, which is tried without end; one that is under way is left alone. */
    async start(generation: GenerationRef): Promise<void> {
      await activities.start('archiveContent', {
        ...COPY,
        priority: PRIORITY.afterwards,
        id: archiveActivityId(generation.generationId),
        args: [generation],
        idReusePolicy: 'ALLOW_DUPLICATE',
        idConflictPolicy: 'USE_EXISTING',
        typedSearchAttributes: [{ key: SEARCH_ATTRIBUTE.account, value: generation.accountId }],
        summary: 'Copies the content of a charged video to the archive',
      });
    },

    /** By describe, which never lags behind. False also when Temporal has never heard of it; raises when it is away. */
    async isRunning(generationId: string): Promise<boolean> {
      try {
        const { status } = await client.activity.getHandle(archiveActivityId(generationId)).describe();
        return status === 'RUNNING';
      } catch (error) {
        if (error instanceof ActivityNotFoundError) return false;
        throw error;
      }
    },
  };
}
