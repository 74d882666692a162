import { createMiddleware } from 'hono/factory';
import type { Env } from './deps.ts';
import { unsupportedMediaType } from './errors.ts';
import { isJson, readMediaType } from './mediaType.ts';

/**
 * Requires the content type application/json for each POST. The validators treat other bodies as an empty object and would
 * apply the default of every field: a dry run that is sent as a form would be a real run.
 */
export const requireJson = createMiddleware<Env>(async (c, next) => {
  if (c.req.method === 'POST' && !isJson(readMediaType(c.req.header('content-type')))) {
    throw unsupportedMediaType('application/json');
  }
  await next();
});
