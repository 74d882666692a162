import { createMiddleware } from 'hono/factory';
import type { Context } from 'hono';
import type { BodyScan } from './bodyScan.ts';
import { JsonScan, PartsScan } from './bodyScan.ts';
import { isServed } from './connection.ts';
import type { Env } from './deps.ts';
import { bodyTooLarge, bodyTooSlow, malformed, unsupportedMediaType } from './errors.ts';
import { isForm, isJson, readMediaType } from './mediaType.ts';
import { delimiterOf, readForm } from './multipart.ts';
import { withoutNulls } from './nulls.ts';
import { releaseAtEnd, Shares } from './shares.ts';

const KILOBYTE = 1024;
const MEGABYTE = 1024 * KILOBYTE;

/** What bodies a route accepts. */
export interface BodyKind {
  /** `plainBytes` does not count `data:` URLs. */
  readonly json?: { readonly plainBytes: number; readonly maximumBytes: number };
  /** A field of the JSON that is null is one that was not sent. */
  readonly isNullAbsent?: true;
  /** Multipart. */
  readonly formBytes?: number;
  /** Any content type, read as text. */
  readonly textBytes?: number;
}

export const JSON_BODY: BodyKind = { json: { plainBytes: MEGABYTE, maximumBytes: MEGABYTE }, isNullAbsent: true };
/** A file of 10 MB, as base64 in JSON or as a part of a form, and the other fields. */
export const VIDEO_BODY: BodyKind = {
  json: { plainBytes: MEGABYTE, maximumBytes: 14 * MEGABYTE },
  formBytes: 14 * MEGABYTE,
  isNullAbsent: true,
};
/** A form without a file. */
export const REMIX_BODY: BodyKind = { ...JSON_BODY, formBytes: MEGABYTE };
/** An operator's null stays one, and is refused: JSON has null for NaN, and a refund of NaN credits must not be one of all. */
export const ADMIN_BODY: BodyKind = { json: { plainBytes: 64 * KILOBYTE, maximumBytes: 64 * KILOBYTE } };
export const WEBHOOK_BODY: BodyKind = { textBytes: 64 * KILOBYTE };

/** Bodies up to this size share a pool of their own, so that uploads of files do not block requests with a prompt only. */
const SMALL_BYTES = 64 * KILOBYTE;
/** The least that a body counts as, because each connection has a cost of its own. */
const LEAST_BYTES = KILOBYTE;

/** The average speed that a body must keep after the grace period; a slower one is refused. */
const LEAST_BYTES_PER_SECOND = 64 * KILOBYTE;
const GRACE_MS = 10_000;
const CHECK_EVERY_MS = 1000;

export interface BodyReaderOptions {
  readonly graceMs?: number;
}

/**
 * Reads the bodies of all routes of a process, after their sender is authenticated. Limits their bytes, speed and complexity,
 * and the bytes in memory at once, of each sender and in total. A body that its headers rule out is not read.
 */
export function createBodyReader({ graceMs = GRACE_MS }: BodyReaderOptions = {}) {
  const small = new Shares({ total: 32 * MEGABYTE, share: 4 * MEGABYTE }, '4 MB of small bodies on their way');
  const large = new Shares({ total: 128 * MEGABYTE, share: 48 * MEGABYTE }, '48 MB of large bodies on their way');

  return (kind: BodyKind, senderOf: (c: Context<Env>) => string) =>
    createMiddleware<Env>(async (c, next) => {
      const body = bodyOf(c);
      if (body === undefined) {
        // What is not there has no type.
        c.req.raw.headers.delete('content-type');
        return next();
      }
      const { maximumBytes, scan, keep } = readerOf(c.req.header('content-type'), kind);
      const declared = c.req.header('transfer-encoding') === undefined ? c.req.header('content-length') : undefined;
      const expectedBytes = declared === undefined ? maximumBytes : Number(declared);
      if (!(expectedBytes <= maximumBytes)) throw bodyTooLarge(maximumBytes);
      const room = expectedBytes <= SMALL_BYTES ? small : large;
      const taken = room.take(senderOf(c), Math.max(LEAST_BYTES, expectedBytes));
      return releaseAtEnd(c, taken, async () => {
        const bytes = await read(body, { maximumBytes, scan, graceMs });
        taken.keep(Math.max(LEAST_BYTES, bytes.length));
        keep(c, bytes);
        await next();
      });
    });
}

/** Undefined if there is no body. Stopping early must not destroy the stream: the response uses the same connection. */
function bodyOf(c: Context<Env>): AsyncIterator<Uint8Array> | undefined {
  const length = c.req.header('content-length');
  if (length === '0') return undefined;
  if (!isServed(c.env)) return c.req.raw.body?.values({ preventCancel: true });
  if (length === undefined && c.req.header('transfer-encoding') === undefined) return undefined;
  return c.env.incoming.iterator({ destroyOnReturn: false });
}

interface Reader {
  readonly maximumBytes: number;
  readonly scan: BodyScan;
  /** Puts what was read into the request's cache, where the validators find it. */
  readonly keep: (c: Context<Env>, bytes: Buffer<ArrayBuffer>) => void;
}

const NO_SCAN: BodyScan = { chunk: () => undefined };

function readerOf(contentType: string | undefined, { json, isNullAbsent, formBytes, textBytes }: BodyKind): Reader {
  if (textBytes !== undefined) return { maximumBytes: textBytes, scan: NO_SCAN, keep: keepText };
  const type = readMediaType(contentType);
  if (json !== undefined && isJson(type)) {
    return {
      maximumBytes: json.maximumBytes,
      scan: new JsonScan(json.plainBytes),
      keep: isNullAbsent ? keepWithoutNulls : keepJson,
    };
  }
  if (formBytes === undefined) throw unsupportedMediaType('application/json');
  if (!isForm(type)) throw unsupportedMediaType('multipart/form-data or application/json');
  const delimiter = delimiterOf(type?.boundary);
  const keep = (c: Context<Env>, bytes: Buffer<ArrayBuffer>) => keepForm(c, readForm(bytes, delimiter));
  return { maximumBytes: formBytes, scan: new PartsScan(delimiter), keep };
}

function keepText(c: Context<Env>, bytes: Buffer): void {
  keepDecoded(c, new TextDecoder().decode(bytes));
}

function keepJson(c: Context<Env>, bytes: Buffer): void {
  keepJsonText(c, new TextDecoder().decode(bytes));
}

function keepWithoutNulls(c: Context<Env>, bytes: Buffer): void {
  const text = new TextDecoder().decode(bytes);
  // Parsing a large body twice takes time.
  keepJsonText(c, text.includes('null') ? JSON.stringify(withoutNulls(parsed(text))) : text);
}

function keepJsonText(c: Context<Env>, text: string): void {
  keepDecoded(c, text);
  // The validators know fewer spellings.
  c.req.raw.headers.set('content-type', 'application/json');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed('JSON');
  }
}

function keepDecoded(c: Context<Env>, text: string): void {
  // The declared type is a string, but hono expects a promise of one.
  Object.assign(c.req.bodyCache, { text: Promise.resolve(text) });
}

function keepForm(c: Context<Env>, form: FormData): void {
  Object.assign(c.req.bodyCache, { formData: Promise.resolve(form) });
  c.req.raw.headers.set('content-type', 'multipart/form-data');
}

async function read(
  body: AsyncIterator<Uint8Array>,
  { maximumBytes, scan, graceMs }: { maximumBytes: number; scan: BodyScan; graceMs: number },
): Promise<Buffer<ArrayBuffer>> {
  const beganMs = performance.now();
  const chunks: Uint8Array[] = [];
  let size = 0;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setInterval(
      () => {
        const owedSeconds = (performance.now() - beganMs - graceMs) / 1000;
        if (size < owedSeconds * LEAST_BYTES_PER_SECOND) reject(bodyTooSlow());
      },
      Math.min(CHECK_EVERY_MS, graceMs),
    );
  });
  // If the body ends first, nobody awaits this promise.
  late.catch(() => undefined);
  try {
    for (;;) {
      const next = await Promise.race([body.next(), late]);
      if (next.done === true) return Buffer.concat(chunks);
      const { value } = next;
      size += value.length;
      if (size > maximumBytes) throw bodyTooLarge(maximumBytes);
      scan.chunk(value);
      chunks.push(value);
    }
  } finally {
    clearInterval(timer);
  }
}
