import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { canonicalVideoId } from '../../../contracts/providerVideoId.ts';
import { SPELLINGS } from './spelledIds.ts';

export interface SpellingGateway {
  readonly url: string;
  readonly close: () => Promise<void>;
}

interface Video {
  id: string;
  prompt?: string | null;
}

/**
 * A gateway in front of the simulator that spells a video's id as LiteLLM does: in one way at create, in another in its list, in a
 * third when asked for it. It takes each of them. What breaks at the simulator breaks here too.
 */
export async function startSpellingGateway(
  simulatorUrl: string,
  { showsPrompts = true }: { showsPrompts?: boolean } = {},
): Promise<SpellingGateway> {
  const server = createServer((request, response) => {
    forward(simulatorUrl, request, response, showsPrompts).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function forward(
  simulatorUrl: string,
  request: IncomingMessage,
  response: ServerResponse,
  showsPrompts: boolean,
): Promise<void> {
  const { method = 'GET', headers } = request;
  const body = method === 'POST' ? new Uint8Array(await buffer(request)) : null;
  const url = unspelled(new URL(request.url ?? '/', simulatorUrl));
  const { authorization = '', 'content-type': contentType = '' } = headers;
  const answer = await fetch(url, {
    method,
    headers: { authorization, ...(body === null ? {} : { 'content-type': contentType }) },
    body,
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const type = answer.headers.get('content-type') ?? '';
  const told =
    answer.ok && type.includes('json') ? respelled(JSON.parse(bytes.toString()) as Told, method, showsPrompts) : bytes;
  // The simulator's own, but for what describes other bytes.
  const kept = [...answer.headers].filter(([name]) => !/^(content-length|transfer-encoding|connection)$/.test(name));
  response.writeHead(answer.status, Object.fromEntries(kept)).end(told);
}

/** With the simulator's own ids in path and query. */
function unspelled(url: URL): URL {
  const parts = url.pathname.split('/').map((part) => encodeURIComponent(canonicalVideoId(decodeURIComponent(part))));
  url.pathname = parts.join('/');
  const after = url.searchParams.get('after');
  if (after !== null) url.searchParams.set('after', canonicalVideoId(after));
  return url;
}

type Told = Video | { data: Video[]; last_id?: string };

function respelled(body: Told, method: string, showsPrompts: boolean): string {
  if (!('data' in body)) {
    const spell = method === 'POST' ? SPELLINGS.create : SPELLINGS.retrieve;
    return JSON.stringify({ ...body, id: spell(body.id) });
  }
  const data = body.data.map((video) => ({
    ...video,
    id: SPELLINGS.list(video.id),
    prompt: showsPrompts ? video.prompt : undefined,
  }));
  return JSON.stringify({ ...body, data, last_id: data.at(-1)?.id ?? null });
}
