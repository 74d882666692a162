import type { ContentVariant } from '../../contracts/content.ts';
import type { Generation } from '../../store/index.ts';
import { checkContent, type ContentAnswer, NotTheContent } from '../../provider/index.ts';
import { readRange, singleRange } from '../http/byteRange.ts';
import { checkBeginning, type Head, readHead, rest } from './checkedBody.ts';
import type { ApiDependencies, ApiProvider } from '../http/deps.ts';
import { recorded } from './servedBody.ts';

export type PassedThrough = Response | 'missing' | 'unavailable';
type Part = Extract<ContentAnswer, { outcome: 'part' }>;

interface Wanted {
  readonly generation: Generation;
  readonly variant: ContentVariant;
  readonly request: Request;
}

/**
 * Streams the provider's content without buffering the whole. Its first bytes are checked before anything is sent, and its
 * last chunk is held back until the whole is known to be complete: what is not a video is never sent as one (MR-58). All
 * headers are made here and describe the bytes that are sent. Which bytes of a video were sent is recorded.
 */
export async function passThrough(
  deps: ApiDependencies,
  provider: ApiProvider,
  wanted: Wanted,
): Promise<PassedThrough> {
  const { generation, variant, request } = wanted;
  const range = rangeOf(request);
  const options = { variant, signal: request.signal, ...(range !== undefined && { range }) };
  const answer = await provider.downloadContent(generation.providerVideoId ?? '', options);
  if (answer.outcome === 'missing') return 'missing';
  if (answer.outcome === 'behind_the_end') return behindTheEnd(answer.total, range);
  if (answer.outcome === 'trouble') return unavailable(deps, wanted, answer.why);
  const fault = faultOf(answer, range);
  if (fault === undefined)
    return answer.from === 0 ? passFromStart(deps, wanted, answer) : passMiddle(deps, wanted, answer);
  await answer.body.cancel();
  return unavailable(deps, wanted, fault);
}

/** An `If-Range` asks for the whole content: no version has an ETag before it is archived. */
function rangeOf({ method, headers }: Request): string | undefined {
  return method === 'HEAD' || headers.has('if-range') ? undefined : singleRange(headers.get('range') ?? undefined);
}

function behindTheEnd(total: number | null, range: string | undefined): PassedThrough {
  if (total === null || readRange(range, total) !== 'unsatisfiable') return 'unavailable';
  return new Response(null, { status: 416, headers: { ...COMMON, 'content-range': `bytes */${total}` } });
}

/** Why the response does not match the requested range; undefined when it does. */
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

/** The type of a part from the middle cannot be detected; the provider's declared type is used if it is one that we serve. */
function passMiddle(deps: ApiDependencies, wanted: Wanted, part: Part): Response {
  return new Response(sent(deps, wanted, part.body, part), {
    status: 206,
    headers: headersOf(wanted, part, undefined),
  });
}

/** The whole content, or its beginning. */
async function passFromStart(deps: ApiDependencies, wanted: Wanted, part: Part): Promise<PassedThrough> {
  const { variant, request } = wanted;
  const reader = part.body.getReader();
  const check = whole(part) ? checkContent(variant) : checkBeginning(variant);
  let head: Head;
  try {
    head = await readHead(reader, check);
  } catch (error) {
    await reader.cancel().catch(() => undefined);
    return unavailable(deps, wanted, error instanceof NotTheContent ? error.message : 'the content broke off');
  }
  const init = { status: whole(part) ? 200 : 206, headers: headersOf(wanted, part, check.type) };
  if (request.method === 'HEAD') {
    await reader.cancel();
    return new Response(null, init);
  }
  const body = rest(reader, check, head);
  // A beginning that is too short to be recognised may be an error message, so it does not count as the video.
  return new Response(check.type === undefined ? body : sent(deps, wanted, body, part), init);
}

function headersOf({ variant }: Wanted, part: Part, knownType: string | undefined): Headers {
  const { from, bytes, total, declaredType } = part;
  const isFit = declaredType?.startsWith(variant === 'video' ? 'video/' : 'image/') === true;
  const headers = new Headers({
    ...COMMON,
    'content-type': knownType ?? (isFit ? declaredType : 'application/octet-stream'),
  });
  if (bytes !== null) headers.set('content-length', String(bytes));
  if (!whole(part)) headers.set('content-range', `bytes ${from}-${from + (bytes ?? 0) - 1}/${total}`);
  return headers;
}

/** Records which bytes of a video its owner was sent. */
function sent(
  { store, log }: ApiDependencies,
  { generation: { id }, variant }: Wanted,
  body: ReadableStream<Uint8Array>,
  part: { readonly from: number; readonly total: number | null },
): ReadableStream<Uint8Array> {
  if (variant !== 'video') return body;
  return recorded(body, part, (served) =>
    store.recordContentServed(id, served).catch((error: unknown) => {
      log.error({ err: error, generationId: id }, 'could not record that content was served');
    }),
  );
}

function unavailable({ log }: ApiDependencies, { generation, variant }: Wanted, why: string): 'unavailable' {
  log.warn({ generationId: generation.id, variant, why }, 'content could not be fetched');
  return 'unavailable';
}
