import { Hono, type MiddlewareHandler } from 'hono';
import { z } from 'zod';
import { ApiError, errorResponse, type Env } from './errors.ts';
import { destroy, neverAnswer } from './faults.ts';
import { parse, readBody } from './request.ts';
import type { Store } from './store.ts';

const faultsSchema = z.strictObject({ all: z.enum(['reset', 'hang', '503']).nullable() });

/** A fault that strikes every `/v1` call while it is switched on; a restart switches it off. */
export class GlobalFault {
  all: 'reset' | 'hang' | '503' | null = null;

  readonly strike: MiddlewareHandler<Env> = async (c, next) => {
    switch (this.all) {
      case 'reset':
        return destroy(c);
      case 'hang':
        return neverAnswer(c);
      case '503':
        return errorResponse(c, new ApiError(503, 'server_error', 'The simulator is switched to answer 503.'));
      case null:
        return next();
    }
  };
}

/** The routes for tests: `/_simulator/stats` and `/_simulator/faults`. */
export function controlRoutes(store: Store, fault: GlobalFault): Hono<Env> {
  const routes = new Hono<Env>();
  routes.get('/stats', (c) =>
    c.json({
      creates: store.count('creates'),
      videos: store.count('videos'),
      retrieves: store.count('retrieves'),
      aborted: store.count('aborted'),
      webhooks: store.count('webhooks'),
      stored: store.videos().length,
      creates_by_prompt_sha256: store.countsBelow('creates/'),
      faults: { all: fault.all },
    }),
  );
  routes.post('/faults', async (c) => {
    fault.all = parse(faultsSchema, await readBody(c)).all;
    return c.json({ all: fault.all });
  });
  return routes;
}
