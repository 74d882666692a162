import { stdout } from 'node:process';
import { pino } from 'pino';
import { inWords } from './logWords.ts';

export type Log = pino.Logger;

/**
 * JSON lines on standard output, or words when that is a terminal. Of an error only name, code, message, cause and stack are written: a database's `detail` or a
 * client's request could hold a prompt or a key.
 */
export function createLog(process: string, level: string): Log {
  const options = { level, base: { process }, serializers: { err: plainError, error: plainError } };
  return stdout.isTTY ? pino(options, { write: writeWords }) : pino(options);
}

function writeWords(line: string): void {
  // `hasColors` honours NO_COLOR.
  stdout.write(`${inWords(line.trimEnd(), stdout.hasColors())}\n`);
}

function plainError(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: 'not an error' };
  const { name, message, stack } = error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const cause = error.cause instanceof Error ? `${error.cause.name}: ${error.cause.message}` : undefined;
  return { name, code, message, cause, stack };
}
