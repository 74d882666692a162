import { Context } from '@temporalio/activity';
import type { Archived } from '../contracts/activities.ts';
import type { ActivityDependencies } from './dependencies.ts';

/**
 * Puts on record that a video's content can't be had any more; with it, what was charged is refunded unless its owner had the
 * video. Answers with what is on record. An operator is alerted by counters and a line in the log.
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
  // What had come of it serves nobody any more.
  if (content.state === 'gone') await archive.remove(generationId);
  return content.state;
}
