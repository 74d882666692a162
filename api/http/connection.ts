import type { HttpBindings } from '@hono/node-server';

/** Whether the request came over a connection, and not from a caller in this process. */
export function isServed(bindings: HttpBindings | undefined): bindings is HttpBindings {
  return bindings?.outgoing !== undefined;
}

/** Whether the client broke off before its request was there as a whole, or was cut off for being too slow. */
export function hungUp(bindings: HttpBindings | undefined): boolean {
  return isServed(bindings) && bindings.incoming.destroyed && !bindings.incoming.complete;
}
