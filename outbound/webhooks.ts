import { Webhook } from 'standardwebhooks';
import { Agent, request } from 'undici';
import { type AddressRules, checkedAddress, connectorTo, NotPublic } from '../network/index.ts';
import { faultOfWebhookUrl, hostOf, mayBePrivate, type PrivateFor } from './webhookUrl.ts';

/** A message ready to send. Its id is the same at every attempt; its labels are gone once its video is deleted. */
export interface WebhookMessage {
  readonly id: string;
  /** The endpoint's: an account's id, or `OPERATOR`. */
  readonly owner: string;
  readonly url: string;
  readonly body: string;
  /** The message is signed with each; a receiver needs to know one. */
  readonly secrets: readonly string[];
}

/** `error` is null when the receiver accepted; `status` is null when there was no answer. */
export interface WebhookAnswer {
  readonly status: number | null;
  readonly error: string | null;
}

export interface WebhookSender {
  /**
   * Makes one POST that ends within the time limit whatever the receiver or its name server does. Raises only the signal's
   * reason, when the caller gave up.
   */
  send(message: WebhookMessage, givenUp?: AbortSignal): Promise<WebhookAnswer>;
}

export interface SenderOptions extends AddressRules {
  readonly privateFor: PrivateFor;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;

/** An error whose message may be shown to a tenant. */
class NotSent extends Error {}

/**
 * Sends messages as Standard Webhooks specifies. It looks the host up once, requires every address to be public, and connects
 * to the very address that was checked, so a name that changes in between has no effect. It follows no redirect and reads
 * only the head of an answer.
 */
export function createWebhookSender(options: SenderOptions): WebhookSender {
  const { timeoutMs = TIMEOUT_MS } = options;
  return {
    send: async (message, givenUp) => {
      const late = AbortSignal.timeout(timeoutMs);
      const signal = givenUp === undefined ? late : AbortSignal.any([late, givenUp]);
      try {
        return verdict(await within(signal, post(message, options, signal)));
      } catch (error) {
        givenUp?.throwIfAborted();
        return { status: null, error: late.aborted ? `no answer within ${timeoutMs / 1000} s` : wordsOf(error) };
      }
    },
  };
}

async function post(message: WebhookMessage, options: SenderOptions, signal: AbortSignal): Promise<number> {
  const allowPrivate = mayBePrivate(message.owner, options.privateFor);
  // Checked again: the configuration may have become stricter since the endpoint was created.
  const fault = faultOfWebhookUrl(message.url, allowPrivate);
  if (fault !== undefined) throw new NotSent(`the URL ${fault}`);
  const host = hostOf(new URL(message.url));
  const address = allowPrivate ? undefined : await checkedAddress(host, signal, options);
  const dispatcher = new Agent({ connect: connectorTo(address), pipelining: 0 });
  try {
    const { statusCode, body } = await request(message.url, {
      method: 'POST',
      headers: headersOf(message),
      body: message.body,
      dispatcher,
      signal,
    });
    body.on('error', () => undefined).destroy();
    return statusCode;
  } finally {
    void dispatcher.destroy();
  }
}

function headersOf({ id, body, secrets }: WebhookMessage): Record<string, string> {
  const now = new Date();
  return {
    'content-type': 'application/json',
    'user-agent': 'Holdfast-Webhooks/1',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, now, body)).join(' '),
  };
}

function verdict(status: number): WebhookAnswer {
  if (status >= 200 && status < 300) return { status, error: null };
  const redirect = status >= 300 && status < 400 ? ', a redirect, which is not followed' : '';
  return { status, error: `answered HTTP ${status}${redirect}` };
}

async function within<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  return Promise.race([work, aborted]);
}

const WORDS = new Map([
  ['ECONNREFUSED', 'connection refused'],
  ['ECONNRESET', 'connection reset'],
  ['UND_ERR_SOCKET', 'connection closed without an answer'],
  ['ENOTFOUND', 'the host has no address'],
  ['EHOSTUNREACH', 'host unreachable'],
  ['ENETUNREACH', 'network unreachable'],
]);

/** Not the system's own message: it may name an internal address. */
function wordsOf(error: unknown): string {
  if (error instanceof NotSent || error instanceof NotPublic) return error.message;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (/CERT|TLS|SSL|ALTNAME|SIGNATURE|ISSUER/.test(code)) return 'the certificate is not valid';
  return WORDS.get(code) ?? 'could not be sent';
}
