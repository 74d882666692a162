import type { Socket } from 'node:net';
import { buildConnector } from 'undici';

/** The part of undici's HTTP/1 parser that the guard below needs. */
interface Parser {
  readonly paused: boolean;
  finish(): Error | null;
}

const READ_AGAIN_MS = 5;

/**
 * undici's connector for all that we connect to, with a guard: undici 7.26 to 7.30 ends the process (an assertion in an event
 * handler, nodejs/undici#5360) when the other side closes a connection while its answer is still being read. It is mended in
 * undici 8, which needs Node 22; drop this file then.
 */
export function connector(options: buildConnector.BuildOptions): buildConnector.connector {
  const connect = buildConnector(options);
  return (target, callback) => {
    connect(target, (...[error, socket]) => {
      if (error === null) callback(null, guarded(socket));
      else callback(error, null);
    });
  };
}

/** Delays the connection's end until everything before it was read. */
export function guarded<Connected extends Socket>(socket: Connected): Connected {
  const push = socket.push.bind(socket);
  const endWhenRead = () => {
    if (socket.destroyed) return;
    const isBeingRead = socket.readableLength > 0 || parserOf(socket)?.paused === true;
    if (isBeingRead) setTimeout(endWhenRead, READ_AGAIN_MS);
    else push(null);
  };
  socket.push = (chunk: unknown, encoding?: BufferEncoding) => {
    guardFinish(socket);
    if (chunk !== null) return push(chunk, encoding);
    endWhenRead();
    return false;
  };
  return socket;
}

/** A connection that is reset has no end to delay: the answer breaks off. */
function guardFinish(socket: Socket): void {
  const parser = parserOf(socket);
  if (parser === undefined || Object.hasOwn(parser, 'finish')) return;
  const finish = parser.finish.bind(parser);
  parser.finish = () => (parser.paused ? new Error('the connection was reset') : finish());
}

function parserOf(socket: Socket): Parser | undefined {
  const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'parser');
  return symbol === undefined ? undefined : ((socket as unknown as Record<symbol, Parser | null>)[symbol] ?? undefined);
}
