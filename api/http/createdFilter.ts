import { z } from '@hono/zod-openapi';
import { EXAMPLE } from './examples.ts';
import { LAST_UNIX_TIME } from './schemas.ts';

/** Filters of a list by the time of its items, in Unix seconds as everywhere. */

const moment = z
  .string()
  .regex(/^[0-9]{1,12}$/, 'must be Unix seconds, such as 1790000000')
  .transform(Number)
  .pipe(z.number().max(LAST_UNIX_TIME));

export const createdFilter = {
  created_after: moment.optional().openapi({
    type: 'integer',
    example: EXAMPLE.video.created_at,
    description: 'From this moment on, in Unix seconds.',
  }),
  created_before: moment.optional().openapi({
    type: 'integer',
    example: EXAMPLE.video.created_at + 3600,
    description: 'Up to, but not including, this moment, in Unix seconds.',
  }),
};

export function toDate(unixSeconds: number | undefined): Date | undefined {
  return unixSeconds === undefined ? undefined : new Date(unixSeconds * 1000);
}
