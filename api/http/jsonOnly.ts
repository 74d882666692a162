import { createMiddleware } from 'hono/factory';
import type { Env } from './deps.ts';
import { unsupportedMediaType } from './errors.ts';
import { isJson, readMediaType } from './mediaType.ts';

/** Actions that take no body, and have nothing that a form could leave out. */
const NO_BODY = /\/(rotate_secret|enable|redeliver)$/;

/**
 * Requires the content type application/json for each POST that takes a body. The validators treat other bodies as an empty
 * object and would apply the default of every field: a dry run that is sent as a form would be a real run.
 */
export const requireJson = createMiddleware<Env>(async (c, next) => {
  const isJsonBody = isJson(readMediaType(c.req.header('content-type')));
  if (c.req.method === 'POST' && !isJsonBody && !NO_BODY.test(c.req.path)) {
    throw unsupportedMediaType('application/json');
  }
  await next();
});
