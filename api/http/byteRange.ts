import type { ByteRange } from '../../outbound/index.ts';

const ONE_RANGE = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i;

/**
 * The single range that a `Range` header requests of a content of `size` bytes (RFC 9110, 14.1.2). Undefined means that the
 * header is absent, malformed, in another unit or requests several ranges: it is ignored and the whole content is sent.
 *
 * Written by hand because the parsers on npm reject a suffix that is longer than the content, which players request of small
 * files.
 */
export function readRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = ONE_RANGE.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < start) return undefined;
  return start > end ? 'unsatisfiable' : { start, end };
}

/** The normalized `Range` header of a single range; undefined for a header that `readRange` ignores. */
export function singleRange(header: string | undefined): string | undefined {
  const [, first, last] = ONE_RANGE.exec(header ?? '') ?? [];
  const isIgnored = readRange(header, Number.MAX_SAFE_INTEGER) === undefined;
  return isIgnored ? undefined : `bytes=${first}-${last}`;
}
