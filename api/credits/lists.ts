import { z } from '@hono/zod-openapi';
import { isGenerationId } from '../../contracts/ids.ts';
import { jsonContent, pageResponse } from '../http/contract.ts';
import { createdFilter } from '../http/createdFilter.ts';
import { EXAMPLE } from '../http/examples.ts';
import { limitUpTo, listQuery, MAXIMUM_LIMIT } from '../http/listing.ts';
import { SHOWN_STATES } from '../generations/creditsObject.ts';
import { plainText } from '../http/schemas.ts';
import { Hold, MOVEMENT_KINDS, Transactions } from './objects.ts';

/** The lists of an account's credits, in the contracts of the account itself and of an operator. */

/** As CSV, for a statement in one piece. */
const MAXIMUM_CSV_LIMIT = 10_000;

export const transactionsQuery = listQuery(/^[1-9][0-9]{0,14}$/, EXAMPLE.creditTransaction.id).extend({
  limit: limitUpTo(MAXIMUM_CSV_LIMIT).openapi({
    type: 'integer',
    description: `The maximum number of items, up to ${MAXIMUM_LIMIT}, or up to ${MAXIMUM_CSV_LIMIT} as CSV; with 0, only \`has_more\` tells.`,
  }),
  ...createdFilter,
  generation_id: z
    .string()
    .refine(isGenerationId, 'must be the id of a video, script or thread')
    .optional()
    .openapi({ description: 'Only the movements for this video, script or thread.', example: EXAMPLE.video.id }),
  kind: z.enum(MOVEMENT_KINDS).optional().openapi({ description: 'Only movements of this kind.', example: 'capture' }),
  model: plainText(100)
    .optional()
    .openapi({ description: 'Only the movements for videos and texts of this model.', example: 'sora-2' }),
  state: z
    .enum(SHOWN_STATES)
    .optional()
    .openapi({ description: 'Only the movements for videos and texts whose credits are in this state now.' }),
});
export type TransactionsQuery = z.output<typeof transactionsQuery>;

export const transactionsPage = {
  description: 'A page.',
  content: {
    ...jsonContent(Transactions),
    'text/csv': { schema: z.string(), example: EXAMPLE.transactionsCsv },
  },
};

export const holdsQuery = listQuery(/^hold_[0-9a-f]{32}$/, EXAMPLE.creditHold.id);

export const holdsPage = pageResponse('CreditHoldList', Hold, EXAMPLE.creditHold);
