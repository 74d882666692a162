import { z } from '@hono/zod-openapi';
import { jsonContent, pageResponse } from '../http/contract.ts';
import { EXAMPLE } from '../http/examples.ts';
import { listQuery } from '../http/listing.ts';
import { Hold, Transactions } from './objects.ts';

/** The lists of an account's credits, in the contracts of the account itself and of an operator. */

export const transactionsQuery = listQuery(/^[1-9][0-9]{0,14}$/, EXAMPLE.creditTransaction.id);

export const transactionsPage = {
  description: 'A page.',
  content: {
    ...jsonContent(Transactions),
    'text/csv': { schema: z.string(), example: EXAMPLE.transactionsCsv },
  },
};

export const holdsQuery = listQuery(/^hold_[0-9a-f]{32}$/, EXAMPLE.creditHold.id);

export const holdsPage = pageResponse('CreditHoldList', Hold, EXAMPLE.creditHold);
