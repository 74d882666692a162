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
