import { pino } from 'pino';

export type Log = pino.Logger;

/**
 * JSON lines on standard output. Of an error only name, code, message, cause and stack are written: a database's `detail` or a
 * client's request could hold a prompt or a key.
 */
export function createLog(process: string, level: string): Log {
  return pino({ level, base: { process }, serializers: { err: plainError, error: plainError } });
}

function plainError(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: 'not an error' };
  const { name, message, stack } = error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const cause = error.cause instanceof Error ? `${error.cause.name}: ${error.cause.message}` : undefined;
  return { name, code, message, cause, stack };
}
