import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { isServed } from '../http/connection.ts';
import type { Env } from '../http/deps.ts';
import type { newRouter } from '../http/router.ts';

/** The API's routes behind the console's sessions. */
export type SessionApi = Pick<ReturnType<typeof newRouter>, 'fetch'>;

/** Below it is the whole API for the browser's script: `/console/v1/…` and `/console/admin/…`. */
export const PREFIX = '/console';

/** Sends the request on to the same path without the prefix. Only the cookie says who asks: a key is not looked at. */
export async function forward(api: SessionApi, c: Context<Env>): Promise<Response> {
  const url = new URL(c.req.url);
  url.pathname = url.pathname.slice(PREFIX.length);
  // The body of a served request is read from its connection.
  const body = isServed(c.env) ? null : c.req.raw.body;
  const init = body === null ? {} : { body, duplex: 'half' as const };
  return api.fetch(new Request(url, { ...init, ...passedOn(c), method: c.req.raw.method }), c.env);
}

function passedOn(c: Context<Env>) {
  const headers = new Headers(c.req.raw.headers);
  headers.delete('authorization');
  headers.set('x-request-id', c.get('requestId'));
  return { headers, signal: c.req.raw.signal };
}

/** A request of a page that the API refused. */
export class Refused extends Error {
  constructor(
    readonly status: ContentfulStatusCode,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** What a page shows is what the API answers its session: the same scopes, limits and borders between tenants hold. Raises `Refused`. */
export async function ask<Answer>(api: SessionApi, c: Context<Env>, path: string): Promise<Answer> {
  const { headers, signal } = passedOn(c);
  for (const name of ['if-none-match', 'range', 'accept']) headers.delete(name);
  const answer = await api.fetch(new Request(new URL(path, c.req.url), { headers, signal }), c.env);
  if (!answer.ok) throw await refusalOf(answer);
  return (await answer.json()) as Answer;
}

async function refusalOf(answer: Response): Promise<Refused> {
  const { error } = (await answer.json()) as { error: { code: string; message: string } };
  return new Refused(answer.status as ContentfulStatusCode, error.code, error.message);
}

/** A list of the API as CSV, to be saved. Raises `Refused`. */
export async function askCsv(api: SessionApi, c: Context<Env>, path: string, name: string): Promise<Response> {
  const { headers, signal } = passedOn(c);
  headers.set('accept', 'text/csv');
  const answer = await api.fetch(new Request(new URL(path, c.req.url), { headers, signal }), c.env);
  if (!answer.ok) throw await refusalOf(answer);
  answer.headers.set('content-disposition', `attachment; filename="${name}"`);
  return answer;
}

/** The same as `ask`; undefined where the session's key lacks the scope. */
export async function askIfAllowed<Answer>(
  api: SessionApi,
  c: Context<Env>,
  path: string,
): Promise<Answer | undefined> {
  try {
    return await ask<Answer>(api, c, path);
  } catch (error) {
    if (error instanceof Refused && error.status === 403) return undefined;
    throw error;
  }
}
