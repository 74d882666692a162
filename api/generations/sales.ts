import type { ApiDependencies } from '../http/deps.ts';
import { ApiError } from '../http/errors.ts';

/** What is told of a request that came while sales are closed: nothing of it was written. */
export async function salesClosed({ ledger }: Pick<ApiDependencies, 'ledger'>): Promise<ApiError> {
  const { open, reason } = await ledger.getSales();
  // Opened again since: the next try is served.
  const why = open || reason === null ? '' : `: ${reason.replace(/[.\s]+$/, '')}`;
  return new ApiError(
    'temporarily_unavailable',
    `New requests are not taken just now${why}. Nothing was held by this request; what was begun earlier is finished and settled. Try again later.`,
    { headers: { 'retry-after': open ? '1' : '60' } },
  );
}
