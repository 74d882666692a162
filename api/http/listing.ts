import { z } from '@hono/zod-openapi';

/** OpenAI's lists: `limit`, `order` and `after` in, `data`, `first_id`, `last_id` and `has_more` out. */

const DEFAULT_LIMIT = 20;
export const MAXIMUM_LIMIT = 100;

/** 0 asks only whether there is anything, as at OpenAI. An empty value would be coerced to 0. */
export const limitUpTo = (maximum: number) =>
  z.preprocess(
    (value) => (value === '' ? NaN : value),
    z.coerce.number().int().min(0).max(maximum).default(DEFAULT_LIMIT),
  );

const limit = limitUpTo(MAXIMUM_LIMIT).openapi({
  type: 'integer',
  description: 'The maximum number of items; with 0, only `has_more` tells.',
});

/** The query of a list that has one page only. */
export const limitQuery = z.object({ limit });

/** The query of a list whose ids match this pattern. */
export function listQuery(id: RegExp, example: string) {
  return z.strictObject({
    limit,
    order: z.enum(['asc', 'desc']).default('desc').openapi({ description: 'Order by time of creation.' }),
    after: z
      .string()
      .regex(id, 'must be an id of this list')
      .optional()
      .openapi({ description: `The last id of the previous page, such as \`${example}\`.` }),
  });
}

export type ListQuery = z.output<ReturnType<typeof listQuery>>;

/** The schema of a list of these items. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    object: z.literal('list'),
    data: z.array(item),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  });
}

/** A page of objects from a query that asked for one row more than `limit`. */
export function toPage<Row, Item extends { id: string }>(rows: Row[], limit: number, toItem: (row: Row) => Item) {
  return toList(rows.slice(0, limit).map(toItem), rows.length > limit);
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
