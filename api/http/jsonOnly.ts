import { createMiddleware } from 'hono/factory';
import type { Env } from './deps.ts';
import { unsupportedMediaType } from './errors.ts';

/**
 * Lets a POST pass only with a body that says that it is JSON. The validators take any other for an empty object, and where
 * every field has a default that would be obeyed: a dry run sent as a form would be a real one.
 */
export const requireJson = createMiddleware<Env>(async (c, next) => {
  const isJson = /^application\/json\b/i.test(c.req.header('content-type') ?? '');
  if (c.req.method === 'POST' && !isJson) {
    throw unsupportedMediaType('Send the body as application/json. Nothing was done.');
  }
  await next();
});
