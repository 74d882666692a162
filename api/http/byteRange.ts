import type { ByteRange } from '../../outbound/index.ts';

const ONE_RANGE = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i;

/**
 * The one range that a `Range` header asks for of so many bytes (RFC 9110, 14.1.2); undefined: to be ignored, for there is
 * none, it is malformed or of another unit, or it asks for several, which may be answered with the whole.
 *
 * By hand: the parsers for Node 20 on npm refuse a suffix that is longer than the content, which players ask small files for.
 */
export function readRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = ONE_RANGE.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < start) return undefined;
  return start > end ? 'unsatisfiable' : { start, end };
}

/** A `Range` header that asks for one range, in its plain form; undefined for what `readRange` ignores. */
export function singleRange(header: string | undefined): string | undefined {
  const [, first, last] = ONE_RANGE.exec(header ?? '') ?? [];
  const isIgnored = readRange(header, Number.MAX_SAFE_INTEGER) === undefined;
  return isIgnored ? undefined : `bytes=${first}-${last}`;
}
