import { Agent, type buildConnector, fetch as undiciFetch, type Dispatcher } from 'undici';
import { NotPublic, proxyConnector, ProxyRefused } from '../network/index.ts';
import { boundedEvents } from './boundedEvents.ts';

/**
 * Whose trouble kept a call from a usable answer. `ours`: our settings, our proxy or this process; the provider was not asked, and a
 * hold waits, past its end too (MR-5). `either`: a network or a name service, which may be ours or theirs, or what the operator owes the
 * provider; a hold ends by it at its end, as by the provider's own, but no content is gone for it (MR-59).
 */
export type Whose = 'provider' | 'either' | 'ours';

/** No readable HTTP answer arrived. `neverSent` is proof that nothing was sent: there was no connection. */
export class CallFailed extends Error {
  constructor(
    /** For operators, with the system's error code. Names no address and no secret. */
    readonly why: string,
    readonly neverSent: boolean,
    readonly whose: Whose = 'provider',
  ) {
    // A constant message without a cause: the SDK replaces every error whose text mentions a time-out, and the proof is lost.
    super('The call of the provider failed.');
  }
}

export interface TransportSettings {
  readonly connectTimeoutMs: number;
  readonly callTimeoutMs: number;
  /** Every call goes through this HTTP proxy. */
  readonly proxyUrl?: string | undefined;
}

/** Two ways to fetch. Neither follows redirects; both raise `CallFailed`. */
export interface Transport {
  /** For the SDK: the whole answer is read before it resolves, so `init.signal` limits the body too. */
  readonly call: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** Like `call`, but a successful body is a stream. */
  readonly open: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
}

/**
 * Holds a video with a prompt of 32,000 escaped characters. A worker has hundreds of calls open at once, so this limit
 * bounds its memory.
 */
const MAX_ANSWER_BYTES = 1024 * 1024;
/** Holds a page of 100 such videos. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024;

/** Of a streamed text: one event, with everything that gateways add, and all events of the longest text. */
const MAX_EVENT_BYTES = 1024 * 1024;
const MAX_STREAM_BYTES = 8 * 1024 * 1024;

/** How long a text may stall before it counts as broken off, and how long it may take in all. */
const TEXT_IDLE_MS = 60_000;
export const TEXT_TIMEOUT_MS = 10 * 60_000;

const WORDS = new Map([
  ['ECONNREFUSED', 'connection refused'],
  ['ENOTFOUND', 'host name not found'],
  ['EAI_AGAIN', 'host name lookup failed'],
  ['ENETUNREACH', 'network unreachable'],
  ['EHOSTUNREACH', 'host unreachable'],
  ['ECONNRESET', 'connection reset'],
  ['UND_ERR_SOCKET', 'connection closed by the provider'],
  ['UND_ERR_HEADERS_TIMEOUT', 'no answer in time'],
  ['UND_ERR_BODY_TIMEOUT', 'the answer broke off'],
]);

const WHOSE = new Map<string, Whose>([
  // No name is looked up, or nothing is reached.
  ['EAI_AGAIN', 'either'],
  ['ENETUNREACH', 'either'],
  ['EHOSTUNREACH', 'either'],
  // This process or this machine may open no connection.
  ['EMFILE', 'ours'],
  ['ENFILE', 'ours'],
  ['ENOBUFS', 'ours'],
  ['EADDRNOTAVAIL', 'ours'],
  ['ENETDOWN', 'ours'],
  ['EACCES', 'ours'],
  ['EPERM', 'ours'],
]);

/** Marks an error as raised while connecting: TCP and TLS, before the first byte of a request (MR-40). */
class NotConnected extends Error {
  constructor(override readonly cause: Error) {
    super('not connected');
  }
}

const urlOf = (input: string | URL | Request) => (input instanceof Request ? input.url : String(input));

/** undici's own `fetch`: Node's accepts only dispatchers of the undici that is built into Node. */
export function createTransport(settings: TransportSettings): Transport {
  const { callTimeoutMs } = settings;
  const connect = tagging(proxyConnector(settings.proxyUrl, { timeout: settings.connectTimeoutMs }));
  const limits = { connect, headersTimeout: callTimeoutMs };
  const kept = new Agent({ ...limits, bodyTimeout: callTimeoutMs });
  // A POST gets a new connection: the provider may close a kept one at the very moment of sending, and a submission that is
  // lost that way stays ambiguous until the hold ends.
  const fresh = new Agent({ ...limits, bodyTimeout: callTimeoutMs, pipelining: 0 });
  const opened = new Agent({ ...limits, headersTimeout: 0, bodyTimeout: TEXT_IDLE_MS, pipelining: 0 });
  return {
    call: (input, init = {}) => call(urlOf(input), init, init.method === 'POST' ? fresh : kept, settings),
    open: (input, init = {}) => open(urlOf(input), init, opened, settings),
  };
}

async function call(url: string, init: RequestInit, dispatcher: Dispatcher, settings: TransportSettings) {
  return send(url, init, dispatcher, settings, async (answer, signal) => {
    const bytes = await readAll(answer.body, signal, isPage(url, init) ? MAX_PAGE_BYTES : MAX_ANSWER_BYTES);
    const body = answer.ok ? bytes : enveloped(bytes);
    return body.length === 0 ? null : body;
  });
}

/** The SDK's own time-out (`init.signal`) ends at the headers; from then on the caller's signal counts. */
async function open(url: string, init: RequestInit, dispatcher: Dispatcher, settings: TransportSettings) {
  return send(url, init, dispatcher, settings, async (answer, signal) =>
    answer.ok ? bounded(answer.body) : enveloped(await readAll(answer.body, signal, MAX_ANSWER_BYTES)),
  );
}

function bounded(body: Answer['body']) {
  const bounds = { eventBytes: MAX_EVENT_BYTES, totalBytes: MAX_STREAM_BYTES, timeoutMs: TEXT_TIMEOUT_MS };
  return body === null ? null : (body as ReadableStream<Uint8Array>).pipeThrough(boundedEvents(bounds));
}

function isPage(url: string, { method = 'GET' }: RequestInit): boolean {
  return method.toUpperCase() === 'GET' && new URL(url).pathname.endsWith('/videos');
}

type Answer = Awaited<ReturnType<typeof undiciFetch>>;

async function send(
  url: string,
  init: RequestInit,
  dispatcher: Dispatcher,
  settings: TransportSettings,
  bodyOf: (answer: Answer, signal: AbortSignal) => Promise<ConstructorParameters<typeof Response>[0]>,
): Promise<Response> {
  const signal = init.signal ?? AbortSignal.timeout(settings.callTimeoutMs);
  const request = requestBody(init.body);
  const progress = { dispatched: false };
  const watched = dispatcher.compose((dispatch) => (options, handler) => {
    progress.dispatched = true;
    return dispatch(options, handler);
  });
  try {
    const answer = await undiciFetch(url, {
      method: init.method ?? 'GET',
      headers: Object.fromEntries(new Headers(init.headers)),
      body: request,
      // Following a redirect could send a prompt, or a second POST, to an unknown server.
      redirect: 'manual',
      signal,
      dispatcher: watched,
    });
    return new Response(await bodyOf(answer, signal), { status: answer.status, headers: [...answer.headers] });
  } catch (error) {
    // `fetch` refuses some requests itself, such as one to a port of its list of bad ports, and hands nothing on (MR-40).
    if (!progress.dispatched)
      throw new CallFailed('the request could not be sent: its URL, port or header is not allowed', true);
    throw describe(error, signal.aborted, settings);
  }
}

/** The SDK hands over text (JSON) or bytes (encoding.ts); a foreign FormData would be sent as "[object FormData]". */
function requestBody(body: RequestInit['body']): string | Uint8Array | null {
  if (body === undefined || body === null) return null;
  if (typeof body === 'string' || body instanceof Uint8Array) return body;
  throw new TypeError('the body of a call is text or bytes');
}

async function readAll(
  body: AsyncIterable<Uint8Array> | null,
  signal: AbortSignal,
  maximumBytes: number,
): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    // Checked at each chunk: fetch holds the signal weakly, and a body that trickles never reaches bodyTimeout.
    signal.throwIfAborted();
    size += chunk.length;
    if (size > maximumBytes) throw new RangeError('the answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Deeper than any real error. The SDK stringifies the body; a stack overflow there would look like a fault of ours. */
const MAX_REFUSAL_DEPTH = 32;

/**
 * The SDK keeps only what is inside `error` of a refusal. All of it is put there: gateways send `{code, message}`, FastAPI sends
 * `{detail}`, and vLLM-Omni sends the video itself.
 */
function enveloped(bytes: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> {
  try {
    const parsed: unknown = JSON.parse(bytes.toString('utf8'));
    if (isDeeper(parsed, MAX_REFUSAL_DEPTH)) return Buffer.alloc(0);
    return Buffer.from(JSON.stringify({ error: parsed }));
  } catch {
    return bytes;
  }
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((each) => isDeeper(each, depth - 1));
}

/** Where an error arose proves "never sent"; its code does not: ETIMEDOUT and ECONNRESET occur before and after sending. */
export function tagging(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) => {
    connect(options, (...[error, socket]) => {
      if (error === null) callback(null, socket);
      else callback(new NotConnected(error), null);
    });
  };
}

/** Why a redirect is not followed. The operator may list the host. */
const NOT_PUBLIC: Record<NotPublic['found'], ConstructorParameters<typeof CallFailed>> = {
  'not public': ['a redirect to a host that is not public, nor listed in OPENAI_CONTENT_HOSTS', true, 'ours'],
  'no such name': ['a redirect to a host that has no address', true, 'provider'],
  'no answer': ['a redirect to a host whose name could not be looked up', true, 'either'],
};

/** Classifies what fetch raised: whether it proves that nothing was sent, and how to say it. `late`: the call timed out. */
export function describe(error: unknown, late: boolean, settings: TransportSettings): CallFailed {
  const chain = causes(error);
  const notPublic = chain.find((cause) => cause instanceof NotPublic);
  if (notPublic !== undefined) return new CallFailed(...NOT_PUBLIC[notPublic.found]);
  const neverSent = chain.some((cause) => cause instanceof NotConnected);
  const proxy = chain.find((cause) => cause instanceof ProxyRefused);
  if (proxy !== undefined) {
    return new CallFailed(
      `the proxy of PROVIDER_PROXY_URL ${proxy.how}`,
      neverSent,
      proxy.isTargetAway ? 'provider' : 'ours',
    );
  }
  const code = chain.map((cause) => ('code' in cause ? cause.code : null)).find((each) => typeof each === 'string');
  if (code === 'UND_ERR_CONNECT_TIMEOUT') {
    return new CallFailed(`no connection within ${settings.connectTimeoutMs / 1000} s`, neverSent);
  }
  if (late && !neverSent) return new CallFailed(`no answer within ${settings.callTimeoutMs / 1000} s`, false);
  const words = WORDS.get(code ?? '') ?? (neverSent ? 'could not connect' : 'connection lost');
  return new CallFailed(code === undefined ? words : `${words} (${code})`, neverSent, WHOSE.get(code ?? ''));
}

function causes(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let each = error; each instanceof Error && chain.length < 8; each = each.cause) chain.push(each);
  return chain;
}
