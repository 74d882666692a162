import type { HttpBindings } from '@hono/node-server';

/** Whether the request came over a connection; false for `app.request` within this process. */
export function isServed(bindings: HttpBindings | undefined): bindings is HttpBindings {
  return bindings?.outgoing !== undefined;
}

/** Calls `gone` when the client disconnects; also, to no effect, when it has been answered. */
export function onDisconnect(bindings: HttpBindings | undefined, gone: () => void): void {
  if (!isServed(bindings)) return;
  if (bindings.outgoing.closed) gone();
  else bindings.outgoing.once('close', gone);
}

/** Whether it failed because the client disconnected, or was disconnected as too slow, before its whole request was read. */
export function hungUp(bindings: HttpBindings | undefined, error: Error): boolean {
  if (!isServed(bindings)) return false;
  const { destroyed, complete, errored } = bindings.incoming;
  // All of a request may have arrived, and none of it been read.
  return (destroyed && !complete) || errored === error;
}
