import type { Log } from './log.ts';

/**
 * On SIGINT or SIGTERM runs `stop`, then ends the process; a second signal ends it at once. An unhandled rejection is logged
 * and ends the process too, for its state is unknown then.
 */
export function onShutdown(log: Log, stop: () => Promise<void>): void {
  let stopping = false;
  const shutDown = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ signal }, 'stopping');
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'could not stop cleanly');
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', shutDown);
  process.on('SIGTERM', shutDown);
  process.on('unhandledRejection', (error) => {
    log.fatal({ err: error }, 'unhandled rejection');
    process.exit(1);
  });
}

/** Says why something that the process needs does not answer. Ends the process when waiting would not help. */
export function sayFault(log: Log, fault: { readonly why: string; readonly refused: boolean } | undefined): void {
  if (fault === undefined) return;
  if (!fault.refused) {
    log.warn(fault.why);
    return;
  }
  log.fatal(fault.why);
  process.exit(1);
}

/** Ends the process when a port of its own, set by `variable`, can't be listened on. */
export function endUnableToListen(
  log: Log,
  variable: string,
): (error: NodeJS.ErrnoException & { port?: number }) => never {
  return ({ code, port, message }) => {
    const taken = `Port ${port} (${variable}) is taken by another program: stop it, or set ${variable} to another port.`;
    log.fatal(code === 'EADDRINUSE' ? taken : `Can't listen on the port of ${variable}, or on HOST: ${message}.`);
    process.exit(1);
  };
}
