import type { Logger, LogLevel } from '@temporalio/worker';
import type { Log } from '../platform/log.ts';

/** Writes Temporal's messages to our log, its INFO as debug. Only known fields pass: others could carry an input. */
export function temporalLogger(log: Log): Logger {
  const write = (level: LogLevel, message: string, meta: Record<string, unknown> = {}): void => {
    // Temporal warns about every worker without workflows; two of ours are such on purpose.
    if (message.startsWith('No workflows registered')) return;
    const { workflowId, activityType, workflowType, taskQueue, attempt, error } = meta;
    log[LEVELS[level]]({ workflowId, activityType, workflowType, taskQueue, attempt, err: error }, message);
  };
  return {
    log: write,
    trace: (message, meta) => write('TRACE', message, meta),
    debug: (message, meta) => write('DEBUG', message, meta),
    info: (message, meta) => write('INFO', message, meta),
    warn: (message, meta) => write('WARN', message, meta),
    error: (message, meta) => write('ERROR', message, meta),
  };
}

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const;
