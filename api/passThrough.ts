import type { ContentVariant } from '../contracts/content.ts';
import type { Generation } from '../ledger/index.ts';
import { checkContent, type ContentAnswer, type ContentCheck, HEAD_BYTES, NotTheContent } from '../provider/index.ts';
import { readRange, singleRange } from './byteRange.ts';
import type { ApiDependencies } from './deps.ts';
import { recorded } from './servedBody.ts';

export type PassedThrough = Response | 'missing' | 'unavailable';
type Part = Extract<ContentAnswer, { outcome: 'part' }>;

interface Wanted {
  readonly generation: Generation;
  readonly variant: ContentVariant;
  readonly request: Request;
}

/**
 * The provider's content as it comes, never held as a whole. Its first bytes are looked at before anything is answered, its
 * last one is kept back until the whole is known to be complete: what is no video is never sent as one. Every header is made
 * here, of values that hold for the bytes that are sent. Which bytes of a video were sent is on record.
 */
export async function passThrough(deps: ApiDependencies, wanted: Wanted): Promise<PassedThrough> {
  const { generation, variant, request } = wanted;
  const range = rangeOf(request);
  const options = { variant, signal: request.signal, ...(range !== undefined && { range }) };
  const answer = await deps.provider.downloadContent(generation.providerVideoId ?? '', options);
  if (answer.outcome === 'missing') return 'missing';
  if (answer.outcome === 'behind_the_end') return behindTheEnd(answer.total, range);
  if (answer.outcome === 'trouble') return unavailable(deps, wanted, answer.why);
  const fault = faultOf(answer, range);
  if (fault === undefined) return whole(answer) ? passWhole(deps, wanted, answer) : passPart(deps, wanted, answer);
  await answer.body.cancel();
  return unavailable(deps, wanted, fault);
}

/** With an `If-Range` the whole is asked for: there is no name yet for the version that the client has. */
function rangeOf({ method, headers }: Request): string | undefined {
  return method === 'HEAD' || headers.has('if-range') ? undefined : singleRange(headers.get('range') ?? undefined);
}

function behindTheEnd(total: number | null, range: string | undefined): PassedThrough {
  if (total === null || readRange(range, total) !== 'unsatisfiable') return 'unavailable';
  return new Response(null, { status: 416, headers: { ...COMMON, 'content-range': `bytes */${total}` } });
}

/** What of the answer doesn't fit to the range that was asked for. */
function faultOf({ from, bytes, total }: Part, range: string | undefined): string | undefined {
  if (from === 0 && bytes === total) return undefined;
  const asked = total === null ? undefined : readRange(range, total);
  const fits = typeof asked === 'object' && asked.start === from && asked.end === from + (bytes ?? 0) - 1;
  return fits ? undefined : 'the provider answered with another range than was asked for';
}

function whole({ from, bytes, total }: Part): boolean {
  return from === 0 && bytes === total;
}

const COMMON = { 'cache-control': 'private, no-store', 'x-content-type-options': 'nosniff' };

/** A part from the middle can't be known by its bytes; it counts as what the provider declared, if that is of a kind to be served. */
function passPart(deps: ApiDependencies, wanted: Wanted, { from, bytes, total, declaredType, body }: Part): Response {
  const { variant, request } = wanted;
  const kind = variant === 'video' ? 'video/' : 'image/';
  const type = declaredType?.startsWith(kind) === true ? declaredType : 'application/octet-stream';
  const length = bytes ?? 0;
  const contentRange = `bytes ${from}-${from + length - 1}/${total}`;
  const headers = { ...COMMON, 'content-type': type, 'content-range': contentRange, 'content-length': String(length) };
  return new Response(sent(deps, wanted, body, { from, total }), { status: 206, headers });
}

async function passWhole(deps: ApiDependencies, wanted: Wanted, { bytes, body }: Part): Promise<PassedThrough> {
  const reader = body.getReader();
  const check = checkContent(wanted.variant);
  let head: Head;
  try {
    head = await readHead(reader, check);
  } catch (error) {
    await reader.cancel().catch(() => undefined);
    return unavailable(deps, wanted, error instanceof NotTheContent ? error.message : 'the content broke off');
  }
  const headers = new Headers({ ...COMMON, 'content-type': check.type ?? '' });
  if (bytes !== null) headers.set('content-length', String(bytes));
  if (wanted.request.method === 'HEAD') {
    await reader.cancel();
    return new Response(null, { headers });
  }
  return new Response(sent(deps, wanted, rest(reader, check, head), { from: 0, total: bytes }), { headers });
}

/** Of a video it is on record which bytes its owner was sent. */
function sent(
  { ledger, log }: ApiDependencies,
  { generation: { id }, variant }: Wanted,
  body: ReadableStream<Uint8Array>,
  part: { readonly from: number; readonly total: number | null },
): ReadableStream<Uint8Array> {
  if (variant !== 'video') return body;
  return recorded(body, part, (served) =>
    ledger.recordContentServed(id, served).catch((error: unknown) => {
      log.error({ err: error, generationId: id }, 'that a content was served could not be recorded');
    }),
  );
}

interface Head {
  readonly chunks: Uint8Array[];
  readonly isAll: boolean;
}

/** Reads until the type is known; raises when there is none, or when that was all and it is not complete. */
async function readHead(reader: ReadableStreamDefaultReader<Uint8Array>, check: ContentCheck): Promise<Head> {
  const chunks: Uint8Array[] = [];
  for (let bytes = 0; bytes < HEAD_BYTES;) {
    const { done, value } = await reader.read();
    if (done) {
      await check.end();
      return { chunks, isAll: true };
    }
    await check.take(value);
    chunks.push(value);
    bytes += value.length;
  }
  return { chunks, isAll: false };
}

/** What was read, then what is still to come; one chunk is kept back until the next is there, or the end and its check. */
function rest(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  check: ContentCheck,
  { chunks, isAll }: Head,
): ReadableStream<Uint8Array> {
  let isEnded = isAll;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      while (!isEnded && chunks.length < 2) {
        const { done, value } = await reader.read();
        if (done) await check.end();
        else await check.take(value);
        if (done) isEnded = true;
        else chunks.push(value);
      }
      const next = chunks.shift();
      if (next !== undefined) return controller.enqueue(next);
      controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

function unavailable({ log }: ApiDependencies, { generation, variant }: Wanted, why: string): 'unavailable' {
  log.warn({ generationId: generation.id, variant, why }, 'content could not be fetched');
  return 'unavailable';
}
