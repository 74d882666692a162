import type { HttpBindings } from '@hono/node-server';

/** Whether the request came over a connection; false for `app.request` within this process. */
export function isServed(bindings: HttpBindings | undefined): bindings is HttpBindings {
  return bindings?.outgoing !== undefined;
}

/** Whether the client disconnected, or was disconnected as too slow, before the whole request arrived. */
export function hungUp(bindings: HttpBindings | undefined): boolean {
  return isServed(bindings) && bindings.incoming.destroyed && !bindings.incoming.complete;
}
