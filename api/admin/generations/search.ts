import { z } from '@hono/zod-openapi';
import { ACCOUNT_ID, API_KEY_ID, type GenerationKind } from '../../../contracts/ids.ts';
import type { Listed } from '../../../store/index.ts';
import { SHOWN_STATES } from '../../generations/creditsObject.ts';
import { labelFilter, toLabels } from '../../generations/labels.ts';
import { addFilter, refuseTooBroad } from '../../generations/tooBroad.ts';
import { createdFilter, toDate } from '../../http/createdFilter.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { EXAMPLE } from '../../http/examples.ts';
import { plainText } from '../../http/schemas.ts';
import { INCOMPLETE_OUTPUT } from '../../texts/textObject.ts';

/** The filters of an operator's search; all that are given must match. */

export const generationFilters = {
  state: z.enum(['held', 'charged', 'refunded']).optional().openapi({ description: 'The state of its credits.' }),
  error_code: plainText(200)
    .refine(
      (code) => code !== INCOMPLETE_OUTPUT,
      'must be the code of a failure; incomplete_output is read from the text itself, which was charged: search for state=charged',
    )
    .optional()
    .openapi({
      description:
        'Why it failed, such as `moderation_blocked`. Not `incomplete_output`: that text was charged, and the code is read from what was written.',
    }),
  api_key_id: z
    .string()
    .regex(API_KEY_ID, 'must be the id of an API key')
    .optional()
    .openapi({ description: 'The key that asked for it.', example: EXAMPLE.apiKey.id }),
  ...createdFilter,
  ...labelFilter,
};

/** Of a search through all accounts. `id` tells whose generation it is that a customer names. */
export const accountFilter = {
  id: plainText(100).optional().openapi({ description: 'The id that customers know.', example: EXAMPLE.video.id }),
  account_id: z
    .string()
    .regex(ACCOUNT_ID, 'must be the id of an account')
    .optional()
    .openapi({ description: 'The id of an account.' }),
};

export interface SearchQuery {
  readonly limit: number;
  readonly order: 'asc' | 'desc';
  readonly after?: string | undefined;
  readonly id?: string | undefined;
  readonly account_id?: string | undefined;
  readonly api_key_id?: string | undefined;
  readonly state?: 'held' | 'charged' | 'refunded' | undefined;
  readonly error_code?: string | undefined;
  readonly provider_video_id?: string | undefined;
  readonly user?: string | undefined;
  readonly metadata?: Record<string, string> | undefined;
  readonly created_after?: number | undefined;
  readonly created_before?: number | undefined;
}

/** The ids of a page of the generations that match. Raises `invalid_request` if finding them would take too long. */
export async function searchIds(
  { store }: Pick<ApiDependencies, 'store'>,
  kinds: readonly GenerationKind[],
  query: SearchQuery,
): Promise<Listed<string>> {
  const { limit, order, after = null } = query;
  const filters = {
    id: query.id,
    accountId: query.account_id,
    apiKeyId: query.api_key_id,
    state: query.state === SHOWN_STATES.released ? ('released' as const) : query.state,
    errorCode: query.error_code,
    providerVideoId: query.provider_video_id,
    labels: toLabels(query),
    createdAfter: toDate(query.created_after),
    createdBefore: toDate(query.created_before),
  };
  const search = store.searchGenerations({ kinds, ...filters }, { limit, order, after });
  const helpful = 'account_id, user or a shorter time between created_after and created_before';
  return search.catch(refuseTooBroad('generations', addFilter(helpful)));
}
