import { Agent, type buildConnector, fetch as undiciFetch } from 'undici';
import { type AddressRules, connector, proxyConnector, publicConnector } from '../network/index.ts';
import { CallFailed, describe, tagging, type Whose } from './transport.ts';

export interface DownloadSettings extends AddressRules {
  /** Including /v1. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly connectTimeoutMs: number;
  /** Limits each hop up to its headers. */
  readonly callTimeoutMs: number;
  /** `host` or `host:port`: where redirects may lead, besides public addresses and the provider's own origin. */
  readonly contentHosts: readonly string[];
  /** An HTTP proxy for the provider and for public addresses; the listed hosts are inside the network. */
  readonly proxyUrl?: string | undefined;
  /** The address that a refusal (400) of the provider names instead; it is followed like a redirect. */
  readonly elsewhere: (body: unknown) => string | null;
}

/** Returns the answer after the last redirect, and whether it was asked for with our key. Raises `CallFailed`, and the signal's reason when the caller gave up. */
export type Download = (
  path: string,
  range: string | undefined,
  signal: AbortSignal | undefined,
) => Promise<Downloaded>;
interface Downloaded {
  readonly answer: Answer;
  readonly withKey: boolean;
}
type Answer = Awaited<ReturnType<typeof undiciFetch>>;

/** How long a download may stall before it is given up. A pause by a slow reader does not count. */
const STREAM_IDLE_MS = 30_000;
/** More than a refusal that names an address needs. */
const MAX_REFUSAL_BYTES = 64 * 1024;
const MAX_REDIRECTS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * Makes GETs below the base URL and follows redirects to the provider's own origin, to the listed hosts and to public
 * addresses, connecting to the very address that was checked. The key goes to the provider's origin only, and not even there
 * once a redirect has led away: the server in between would choose what our key opens (MR-94).
 */
export function createDownload(settings: DownloadSettings): Download {
  const { connectTimeoutMs, callTimeoutMs, proxyUrl } = settings;
  const limits = { headersTimeout: callTimeoutMs, bodyTimeout: STREAM_IDLE_MS };
  const agent = (connect: buildConnector.connector) => new Agent({ ...limits, connect: tagging(connect) });
  const own = agent(proxyConnector(proxyUrl, { timeout: connectTimeoutMs }));
  const listed = agent(connector({ timeout: connectTimeoutMs }));
  const guarded = agent(publicConnector(connectTimeoutMs, settings, proxyUrl));
  const { origin } = new URL(settings.baseUrl);
  const isTrusted = (url: URL) => url.origin === origin || isListed(url, settings.contentHosts);
  const agentFor = (url: URL) =>
    url.origin === origin ? own : isListed(url, settings.contentHosts) ? listed : guarded;
  return async (path, range, signal) => {
    let url = new URL(`${settings.baseUrl}${path}`);
    let withKey = true;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const dispatcher = agentFor(url);
      const headers = headersOf(range, withKey ? settings.apiKey : undefined);
      const answer = await get(url, { headers, dispatcher, signal: signal ?? null, redirect: 'manual' }, settings);
      // Only the provider itself may name another address in a refusal.
      const location = await locationIn(answer, withKey ? settings.elsewhere : () => null);
      if (location === null) return { answer, withKey };
      await answer.body?.cancel();
      url = nextHop(location, url, isTrusted);
      withKey &&= url.origin === origin;
    }
    throw new CallFailed(`more than ${MAX_REDIRECTS} redirects`, false);
  };
}

async function locationIn(answer: Answer, elsewhere: DownloadSettings['elsewhere']): Promise<string | null> {
  if (REDIRECTS.includes(answer.status)) return answer.headers.get('location');
  return answer.status === 400 ? elsewhere(await readRefusal(answer)) : null;
}

/** The JSON of a refusal; undefined when it is none, is too long or breaks off. Nothing is left of the body afterwards. */
async function readRefusal({ body }: Answer): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > MAX_REFUSAL_BYTES) return undefined;
      chunks.push(chunk);
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return undefined;
  }
}

async function get(
  url: URL,
  init: NonNullable<Parameters<typeof undiciFetch>[1]>,
  settings: DownloadSettings,
): Promise<Answer> {
  try {
    return await undiciFetch(url, init);
  } catch (error) {
    if (init.signal?.aborted) throw init.signal.reason;
    throw describe(error, false, settings);
  }
}

function headersOf(range: string | undefined, apiKey: string | undefined): Record<string, string> {
  return {
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    // With a Range, fetch adds this header itself; adding it here would send it twice.
    ...(range === undefined ? { 'accept-encoding': 'identity' } : { range }),
  };
}

/** The target of a redirect, if it may be followed; else raises `CallFailed`. Addresses are checked on connecting. */
export function nextHop(location: string, from: URL, isTrusted: (url: URL) => boolean): URL {
  if (!URL.canParse(location, from.href)) throw refused('to what is no URL');
  const next = new URL(location, from);
  if (!['http:', 'https:'].includes(next.protocol)) throw refused('to another protocol than HTTP');
  if (next.username !== '' || next.password !== '') throw refused('with a user name or a password');
  const isDowngrade = from.protocol === 'https:' && next.protocol === 'http:';
  // The operator may list the host.
  if (isDowngrade && !isTrusted(next)) throw refused('from HTTPS to plain HTTP', 'ours');
  next.hash = '';
  return next;
}

/** A host that is listed without a port is listed for its protocol's default port. */
function isListed(url: URL, contentHosts: readonly string[]): boolean {
  const port = url.protocol === 'https:' ? '443' : '80';
  return contentHosts.includes(url.host) || (url.port === '' && contentHosts.includes(`${url.hostname}:${port}`));
}

function refused(how: string, whose?: Whose): CallFailed {
  return new CallFailed(`a redirect ${how}, which is not followed`, false, whose);
}
