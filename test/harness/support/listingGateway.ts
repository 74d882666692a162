import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { canonicalVideoId } from '../../../contracts/providerVideoId.ts';

export interface ListedVideo {
  readonly id: string;
  readonly status: string;
  readonly created_at: number;
}

export interface ListPage {
  readonly data: readonly object[];
  readonly has_more: boolean;
  readonly last_id?: string | null;
}

/** How a list is answered: `videos` are the simulator's, the newest first; `call` counts the calls of lists from 1. */
export type AnswerList = (
  videos: readonly ListedVideo[],
  asked: { readonly limit: number; readonly after: string | null; readonly call: number },
) => ListPage | Promise<ListPage>;

export interface ListingGateway {
  readonly url: string;
  /** When each list was asked for, by `performance.now()`. */
  readonly calls: readonly number[];
  /** How lists are answered from now on; null: with 502. */
  answer: AnswerList | null;
  readonly close: () => Promise<void>;
}

/** As a server does that lists in pages. */
export const inPages: AnswerList = (videos, { limit, after }) => {
  const start = after === null ? 0 : videos.findIndex(({ id }) => id === after) + 1;
  return { data: videos.slice(start, start + limit), has_more: start + limit < videos.length };
};

/** In front of the simulator: passes everything on, but answers lists in its own way. */
export async function startListingGateway(simulatorUrl: string): Promise<ListingGateway> {
  const calls: number[] = [];
  const ask = async (path: string, init: RequestInit = {}) => fetch(new URL(path, simulatorUrl), init);
  const readAll = async (authorization: string) => {
    const answer = await ask('/v1/videos?limit=100', { headers: { authorization } });
    return ((await answer.json()) as { data: ListedVideo[] }).data;
  };
  const gateway: { answer: AnswerList | null } = { answer: inPages };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', simulatorUrl);
    const { method = 'GET', headers } = request;
    const list = async () => {
      calls.push(performance.now());
      const call = calls.length;
      const { searchParams } = url;
      const asked = { limit: Number(searchParams.get('limit') ?? 20), after: searchParams.get('after'), call };
      const answered = await gateway.answer?.(await readAll(headers.authorization ?? ''), asked);
      response.writeHead(answered === undefined ? 502 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ object: 'list', ...answered }));
    };
    const pass = async () => {
      const { authorization = '', 'content-type': type = '' } = headers;
      const body = method === 'POST' ? new Uint8Array(await buffer(request)) : null;
      const id = url.pathname.split('/').map((part) => canonicalVideoId(decodeURIComponent(part)));
      const init = { method, headers: { authorization, ...(body !== null && { 'content-type': type }) }, body };
      const answer = await ask(id.join('/') + url.search, init);
      const bytes = Buffer.from(await answer.arrayBuffer());
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(bytes);
    };
    const isList = method === 'GET' && url.pathname === '/v1/videos';
    (isList ? list() : pass()).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(gateway, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
