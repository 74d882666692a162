import type { Caller, Text } from '../../store/index.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { ApiError, NOT_RETRIED } from '../http/errors.ts';

/**
 * Hides a text from its owner and erases what was asked for and what was written (MR-96). Raises `text_not_terminal` while its
 * hold is active: deleting is not a way to a refund. Nothing is deleted at the provider, which keeps no text to be retrieved.
 */
export async function deleteText({ store }: ApiDependencies, { accountId }: Caller, { id, kind }: Text): Promise<void> {
  if (await store.deleteGeneration(accountId, id)) return;
  throw new ApiError(
    'text_not_terminal',
    `This ${kind} is still being written, so it can’t be deleted; its credits stay reserved until it ends.`,
    NOT_RETRIED,
  );
}
