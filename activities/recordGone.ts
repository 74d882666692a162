import { Context } from '@temporalio/activity';
import type { Archived } from '../contracts/activities.ts';
import type { ActivityDependencies } from './dependencies.ts';

/**
 * Records that a video's content is gone. The same transaction refunds the charge unless its owner had the video (MR-22). Returns
 * what is on record. Counters and a line in the log alert an operator.
 */
export async function recordGone(
  { store, archive, count }: Pick<ActivityDependencies, 'ledger' | 'store' | 'archive' | 'count'>,
  generationId: string,
): Promise<Archived['outcome']> {
  const { content, refund } = await store.recordContentGone(generationId);
  if (content.state === 'gone') count('content_gone');
  if (refund !== null) {
    count(refund === 'refunded' ? 'content_refunded' : 'content_refund_refused');
    Context.current().log.warn('the content of a charged video is gone', { generationId, refund });
  }
  // The incomplete copy is of no use.
  if (content.state === 'gone') await archive.remove(generationId);
  return content.state;
}
