import type { Content } from '../../store/index.ts';
import type { ContentStore } from '../../outbound/index.ts';
import { readRange } from '../http/byteRange.ts';

type Archived = Extract<Content, { state: 'archived' }>;

/** Serves content from the archive, whole or by Range. Undefined when the store has lost it. */
export async function serveArchived(
  archive: Pick<ContentStore, 'read'>,
  content: Archived,
  request: Request,
): Promise<Response | undefined> {
  const etag = `"${content.sha256.toString('hex')}"`;
  const headers = new Headers({
    'cache-control': 'private, no-store',
    'accept-ranges': 'bytes',
    etag,
  });
  if (isKnown(request.headers.get('if-none-match'), etag)) return new Response(null, { status: 304, headers });
  headers.set('content-type', content.contentType);
  headers.set('content-length', String(content.bytes));
  // Ranges apply to GET only (RFC 9110, 14.2).
  if (request.method === 'HEAD') return new Response(null, { headers });
  const range = rangeOf(request, etag, content.bytes);
  if (range === 'unsatisfiable') {
    return new Response(null, { status: 416, headers: { 'content-range': `bytes */${content.bytes}` } });
  }
  const body = await archive.read(content.location, range);
  if (body === undefined) return undefined;
  if (range === undefined) return new Response(body, { headers });
  headers.set('content-length', String(range.end - range.start + 1));
  headers.set('content-range', `bytes ${range.start}-${range.end}/${content.bytes}`);
  return new Response(body, { status: 206, headers });
}

function isKnown(ifNoneMatch: string | null, etag: string): boolean {
  return ifNoneMatch === '*' || (ifNoneMatch?.match(/"[^"]*"/g)?.includes(etag) ?? false);
}

/** An `If-Range` that names another version asks for the whole content. */
function rangeOf({ headers }: Request, etag: string, bytes: number) {
  const ifRange = headers.get('if-range');
  return ifRange === null || ifRange === etag ? readRange(headers.get('range') ?? undefined, bytes) : undefined;
}
