import type { Log } from './log.ts';

/**
 * Ends the process after `stop` on SIGINT or SIGTERM, once; a second signal ends it at once. A rejection that nobody
 * handled is logged and ends it too, for its state is not known any more.
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
    log.fatal({ err: error }, 'a rejection that nobody handled');
    process.exit(1);
  });
}
