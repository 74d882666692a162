import { Context } from '@temporalio/activity';
import { boundProvider } from './boundProvider.ts';
import type { ProviderDependencies } from './dependencies.ts';

/** The video that the provider said it has ended, which perhaps is not recorded yet. Temporal keeps it between two tries. */
export const ended = new WeakMap<Context, string>();

/**
 * See `ProviderActivities.cancelVideo`. The call is not repeated, whatever becomes of it: a second answer would be that of a
 * video that is gone. Whether the provider may be asked is decided by its settings of this moment.
 */
export async function cancelVideo(deps: ProviderDependencies, generationId: string): Promise<{ ended: boolean }> {
  const { store, log } = deps;
  const context = Context.current();
  const unrecorded = context.info.heartbeatDetails as string | undefined;
  if (unrecorded !== undefined) return { ended: await store.recordCancelEnded(generationId, unrecorded) };

  const provider = boundProvider(deps, (await store.getProviderVideo(generationId)).provider);
  if (!provider.can.cancel) return { ended: false };
  await provider.turnToCancel();
  const begun = await store.beginCancel(generationId);
  if (begun.outcome !== 'begun') return { ended: begun.outcome === 'ended' };
  const { providerVideoId } = begun;
  const answer = await provider.cancelVideo(providerVideoId);
  if (answer.outcome === 'ended') {
    // If the database is away, the next try of this activity records it and sends nothing.
    ended.set(context, providerVideoId);
    context.heartbeat(providerVideoId);
    return { ended: await store.recordCancelEnded(generationId, providerVideoId) };
  }
  deps.count('cancel_unclear');
  log.warn({ generationId, why: answer.why }, 'a cancel was sent, and it is not known whether the work was ended');
  // For the timeline only; a retry would not come here again.
  await store.noteCancelUnclear(generationId, answer.why).catch(() => undefined);
  return { ended: false };
}
