import { z } from '@hono/zod-openapi';

/** OpenAI's lists: `limit`, `order` and `after` in, `data`, `first_id`, `last_id` and `has_more` out. */

const DEFAULT_LIMIT = 20;
const MAXIMUM_LIMIT = 100;

/** The query of a list whose ids look like this. */
export function listQuery(id: RegExp, example: string) {
  return z.strictObject({
    limit: z.coerce
      .number()
      .int()
      .min(1)
      .max(MAXIMUM_LIMIT)
      .default(DEFAULT_LIMIT)
      .openapi({ example: DEFAULT_LIMIT, description: 'How many at most.' }),
    order: z.enum(['asc', 'desc']).default('desc').openapi({ description: 'By the time they were made.' }),
    after: z
      .string()
      .regex(id, 'must be an id of this list')
      .optional()
      .openapi({ example, description: 'The last id of the page before.' }),
  });
}

/** The schema of a list of these. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    object: z.literal('list'),
    data: z.array(item),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  });
}

export function toList<Item extends { id: string }>(data: Item[], hasMore: boolean) {
  return {
    object: 'list' as const,
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}
