import type { fetch as undiciFetch } from 'undici';
import { retryAfterMs } from './errors.ts';
import type { Whose } from './transport.ts';

/**
 * What the provider answered to a request for content, as checked values. None of the provider's headers is passed on: it
 * would describe other bytes than those we send (MR-94).
 */
export type ContentAnswer =
  | {
      readonly outcome: 'part';
      /** The offset of the body's first byte; -1 when the provider sent a part without a valid Content-Range. */
      readonly from: number;
      /** The body's length, which is enforced: the body raises when fewer or more bytes come. Null when it is unknown. */
      readonly bytes: number | null;
      /** The length of the whole content; null when the provider doesn't say. */
      readonly total: number | null;
      /** A strong validator. A weak one does not vouch for every byte, so it is read as null. */
      readonly etag: string | null;
      /** The declared type, if it is a video or an image and not XML, which can carry scripts. The bytes decide what it really is. */
      readonly declaredType: string | null;
      readonly body: ReadableStream<Uint8Array>;
    }
  /** The requested range begins after the end. `total` is null when the provider doesn't say how long the content is. */
  | { readonly outcome: 'behind_the_end'; readonly total: number | null; readonly etag: string | null }
  /** There is no content: not yet, or no longer. */
  | { readonly outcome: 'missing' }
  /** Proves nothing about the content. `why` is for operators and names no address. */
  | {
      readonly outcome: 'trouble';
      readonly why: string;
      readonly retryAfterMs: number | null;
      readonly whose: Whose;
    };

/** The longest videos on sale have a few hundred megabytes. An endless body must not fill the archive. */
const MAX_CONTENT_BYTES = 4 * 1024 ** 3;
const MISSING = [404, 410];
const OWED_BY_OPERATOR = [401, 402, 403, 429];

/**
 * Classifies an answer by its status and headers. Reads nothing of the body. Only where the request carried our key does a refusal
 * say what the operator owes: a content host says 403 of what it does not have.
 */
export async function readContentAnswer(
  response: Awaited<ReturnType<typeof undiciFetch>>,
  withKey: boolean,
): Promise<ContentAnswer> {
  const { status, headers } = response;
  const body = response.body as ReadableStream<Uint8Array> | null;
  if (status === 200 || status === 206) {
    const part = status === 200 ? wholeOf(headers) : partOf(headers);
    const type = /^(video|image)\/[a-z0-9.-]{1,60}(?=$|;| )/i.exec(headers.get('content-type') ?? '');
    const declaredType = type === null ? null : type[0].toLowerCase();
    const bytes = counted(body ?? emptyBody(), part.bytes);
    return { outcome: 'part', ...part, etag: etagOf(headers), declaredType, body: bytes };
  }
  await body?.cancel();
  if (MISSING.includes(status)) return { outcome: 'missing' };
  if (status === 416) {
    const total = numberOf(/^bytes \*\/(\d+)$/, headers.get('content-range'));
    return { outcome: 'behind_the_end', total, etag: etagOf(headers) };
  }
  return {
    outcome: 'trouble',
    why: `HTTP ${status}`,
    retryAfterMs: retryAfterMs(headers, Date.now()),
    whose: withKey && OWED_BY_OPERATOR.includes(status) ? 'either' : 'provider',
  };
}

interface Part {
  readonly from: number;
  readonly bytes: number | null;
  readonly total: number | null;
}

/** fetch decompresses the body, but Content-Length counts the compressed bytes. */
function wholeOf(headers: Head): Part {
  const total = isEncoded(headers) ? null : numberOf(/^(\d+)$/, headers.get('content-length'));
  return { from: 0, bytes: total, total };
}

const NO_PART: Part = { from: -1, bytes: null, total: null };

function partOf(headers: Head): Part {
  const range = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(headers.get('content-range') ?? '');
  // A range of compressed bytes is not a range of the content.
  if (range === null || isEncoded(headers)) return NO_PART;
  const [from, to] = [Number(range[1]), Number(range[2])];
  const total = range[3] === '*' ? null : Number(range[3]);
  if (to < from || (total !== null && to >= total)) return NO_PART;
  return { from, bytes: to - from + 1, total };
}

/**
 * Passes bytes on and raises when there are fewer or more than expected. It queues nothing: queued bytes would be lost when
 * the connection breaks, and a copy resumes after the last byte that it received.
 */
function counted(body: ReadableStream<Uint8Array>, expected: number | null): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let bytes = 0;
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    const { done, value } = await reader.read();
    bytes += value?.length ?? 0;
    if (bytes > (expected ?? MAX_CONTENT_BYTES)) {
      await reader.cancel();
      throw new RangeError('the content is longer than it should be');
    }
    if (!done) {
      controller.enqueue(value);
      return;
    }
    if (expected !== null && bytes < expected) throw new RangeError('the content is shorter than it should be');
    controller.close();
  };
  return new ReadableStream({ pull, cancel: (reason) => reader.cancel(reason) }, { highWaterMark: 0 });
}

interface Head {
  get(name: string): string | null;
}

function etagOf(headers: Head): string | null {
  return /^"[\x21\x23-\x7e]{0,200}"$/.exec(headers.get('etag') ?? '')?.[0] ?? null;
}

function isEncoded(headers: Head): boolean {
  return !['', 'identity'].includes((headers.get('content-encoding') ?? '').trim().toLowerCase());
}

function emptyBody(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() });
}

function numberOf(pattern: RegExp, header: string | null): number | null {
  const digits = pattern.exec(header ?? '')?.[1];
  const number = Number(digits);
  return digits === undefined || !Number.isSafeInteger(number) ? null : number;
}
