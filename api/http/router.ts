import { OpenAPIHono } from '@hono/zod-openapi';
import type { Env } from './deps.ts';
import { ApiError } from './errors.ts';
import { describeIssue } from './issues.ts';

/** A router whose validators raise `invalid_request` with `param`. */
export function newRouter() {
  return new OpenAPIHono<Env>({
    // A trailing slash changes nothing; paths are matched and shown to handlers without it.
    strict: false,
    defaultHook: (result) => {
      if (result.success) return;
      const { param, message } = describeIssue(result.error, result.target);
      throw new ApiError('invalid_request', message, param === undefined ? {} : { param });
    },
  });
}
