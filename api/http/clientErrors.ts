import { randomUUID } from 'node:crypto';
import { type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { ApiError, envelopeOf, headersTooLarge } from './errors.ts';

/**
 * Answers what Node refuses before the app sees it, in the form of every other error: headers that are too large or too slow, and
 * what is no HTTP. The connection is closed then. Nothing is written into an answer that has begun. The error does not say what
 * became of credits, because an earlier request of the same connection may not be answered yet.
 */
export function answerClientErrors(server: Server, maximumHeaderBytes: number): void {
  const open = new WeakMap<Duplex, Set<ServerResponse>>();
  server.on('request', (request, response) => {
    const responses = open.get(request.socket) ?? new Set();
    open.set(request.socket, responses.add(response));
    response.once('close', () => responses.delete(response));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const hasBegun = [...(open.get(socket) ?? [])].some(({ headersSent }) => headersSent);
    if (socket.writable && !hasBegun) socket.write(answerTo(error, maximumHeaderBytes));
    socket.destroy(error);
  });
}

function answerTo({ code }: NodeJS.ErrnoException, maximumHeaderBytes: number): string {
  const error =
    code === 'HPE_HEADER_OVERFLOW'
      ? headersTooLarge(maximumHeaderBytes)
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? new ApiError('request_timeout', 'The request was sent too slowly.', { advice: 'Try again.' })
        : new ApiError('invalid_request', 'This is not a well-formed HTTP request.');
  const body = JSON.stringify(envelopeOf(error, 'reading'));
  return [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${randomUUID()}`,
    '',
    body,
  ].join('\r\n');
}
