import { connect } from 'node:net';
import type { Random } from './random.ts';
import type { PlannedRequest } from './requests.ts';

/** One call of the API, as a client sees it. A failure on the way is an answer, too. */

export interface Answer {
  /** Null: none came. */
  readonly status: number | null;
  readonly body: unknown;
  readonly retryAfter_ms: number | null;
}

export interface Place {
  /** Where the API processes listen. */
  readonly apis: readonly string[];
}

export interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly key: string;
  readonly headers?: Record<string, string>;
  readonly body?: () => string | FormData;
  /** Hung up after this. */
  readonly patience_ms: number;
}

/** Asks one of the API processes. Never rejects. */
export async function call({ apis }: Place, random: Random, wanted: Call): Promise<Answer> {
  const { method, path, key, headers = {}, body, patience_ms } = wanted;
  const content = body?.();
  try {
    const answer = await fetch(`${random.pick(apis)}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(typeof content === 'string' ? { 'content-type': 'application/json' } : {}),
        ...headers,
      },
      signal: AbortSignal.timeout(patience_ms),
      ...(content === undefined ? {} : { body: content }),
    });
    const retryAfter = Number(answer.headers.get('retry-after') ?? NaN);
    return {
      status: answer.status,
      body: await answer.json(),
      retryAfter_ms: Number.isNaN(retryAfter) ? null : retryAfter * 1000,
    };
  } catch {
    return { status: null, body: null, retryAfter_ms: null };
  }
}

/** Answers after which a real client retries: none, a server error, "in use", "too many". */
export function isDefinite({ status }: Answer): boolean {
  return status !== null && status < 500 && status !== 409 && status !== 429;
}

export function codeOf({ body }: Answer): string | null {
  const error = (body as { error?: { code?: unknown } } | null)?.error;
  return typeof error?.code === 'string' ? error.code : null;
}

/** Whether nothing was begun because of the model's provider; the code is that of every other outage. */
export function providerTroubleOf({ body }: Pick<Answer, 'body'>): 'down' | 'removed' | null {
  const message = (body as { error?: { message?: unknown } } | null)?.error?.message;
  if (typeof message !== 'string') return null;
  if (message.startsWith('The provider does not answer')) return 'down';
  return message.startsWith('The provider of this model is not available') ? 'removed' : null;
}

export function idOf({ body }: Answer): string | null {
  const id = (body as { id?: unknown } | null)?.id;
  return typeof id === 'string' ? id : null;
}

/** The body of a video request: JSON or a form, which are the same request to the API. */
export function createBody({ multipart, model, seconds }: PlannedRequest, prompt: string): string | FormData {
  const fields = { prompt, model, seconds };
  if (!multipart) return JSON.stringify(fields);
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  return form;
}

/** Sends the first half of a video request and disconnects. */
export async function sendHalf({ apis }: Place, key: string, request: PlannedRequest): Promise<void> {
  const body = JSON.stringify({ prompt: request.prompt, model: request.model, seconds: request.seconds });
  const head = [
    'POST /v1/videos HTTP/1.1',
    'host: api',
    `authorization: Bearer ${key}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    `idempotency-key: ${request.key}`,
  ].join('\r\n');
  await new Promise<void>((resolve) => {
    const socket = connect(Number(new URL(request.random.pick(apis)).port), '127.0.0.1', () => {
      socket.write(`${head}\r\n\r\n${body.slice(0, body.length / 2)}`, () => {
        setTimeout(() => socket.destroy(), request.random.whole(0, 300));
      });
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
  });
}
