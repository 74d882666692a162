import type { HttpBindings } from '@hono/node-server';

/**
 * A connection that is still whole this long after the answer's last byte was handed over has delivered it. Longer than
 * an SDK waits before it tries again, so its retry finds the generation not yet marked; shorter than clients keep an
 * idle connection.
 */
const DELIVERED_AFTER_MS = 3000;

/**
 * Calls `delivered` once the answer can be taken to have reached its client. A connection that breaks before proves
 * nothing, and then an SDK's own retry replays the answer instead of paying twice.
 */
export function onDelivered({ incoming, outgoing }: HttpBindings, delivered: () => void): void {
  const { socket } = incoming;
  outgoing.once('finish', () => {
    const timer = setTimeout(() => {
      if (!socket.destroyed) delivered();
    }, DELIVERED_AFTER_MS);
    timer.unref();
  });
}

/** Whether the request came over a connection, and not from a caller in this process. */
export function isServed(bindings: HttpBindings | undefined): bindings is HttpBindings {
  return bindings?.outgoing !== undefined;
}

/** Whether the client broke off before its request was there as a whole, or was cut off for being too slow. */
export function hungUp(bindings: HttpBindings | undefined): boolean {
  return isServed(bindings) && bindings.incoming.destroyed && !bindings.incoming.complete;
}
