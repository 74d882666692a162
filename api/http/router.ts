import { OpenAPIHono } from '@hono/zod-openapi';
import type { Env } from './deps.ts';
import { ApiError } from './errors.ts';
import { describeIssue } from './schemas.ts';

/** A router whose validators raise `invalid_request` with `param`. */
export function newRouter() {
  return new OpenAPIHono<Env>({
    defaultHook: (result) => {
      if (result.success) return;
      const { param, message } = describeIssue(result.error);
      throw new ApiError('invalid_request', message, param === undefined ? {} : { param });
    },
  });
}
