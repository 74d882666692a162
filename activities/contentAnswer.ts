import type { ContentVariant } from '../contracts/content.ts';

/** What an answer to a request for content is. */
export type ContentAnswer =
  | {
      readonly outcome: 'part';
      /** Where the body begins. */
      readonly from: number;
      /** Of the whole content; null when the provider doesn't say. */
      readonly total: number | null;
      /** Null also when it is weak: that doesn't vouch for every byte. */
      readonly etag: string | null;
      readonly contentType: string;
      /** Null: nothing is left to come. */
      readonly body: ReadableStream<Uint8Array> | null;
    }
  /** There is none. */
  | { readonly outcome: 'missing' }
  | { readonly outcome: 'trouble'; readonly why: string };

const MISSING = [404, 410];

/** Sorts the provider's answer by its head; the body is not touched. */
export function readAnswer(response: Response, variant: ContentVariant): ContentAnswer {
  const { status, headers, body } = response;
  if (MISSING.includes(status)) return { outcome: 'missing' };
  const etag = /^".*"$/.exec(headers.get('etag') ?? '')?.[0] ?? null;
  if (status === 416) {
    // Asked for what comes behind the end: all of it is there, if that is its length.
    const total = numberOf(/^bytes \*\/(\d+)$/, headers.get('content-range'));
    if (total === null) return { outcome: 'part', from: -1, total, etag, contentType: '', body: null };
    return { outcome: 'part', from: total, total, etag, contentType: '', body: null };
  }
  if (status !== 200 && status !== 206) return { outcome: 'trouble', why: `HTTP ${status}` };
  const contentType = headers.get('content-type')?.slice(0, 200) || DEFAULT_TYPE[variant];
  if (!fits(variant, contentType)) return { outcome: 'trouble', why: `HTTP ${status} with ${contentType}` };
  if (status === 200) return { outcome: 'part', from: 0, total: lengthOf(headers), etag, contentType, body };
  const range = headers.get('content-range');
  const from = numberOf(/^bytes (\d+)-/, range) ?? -1;
  return { outcome: 'part', from, total: numberOf(/\/(\d+)$/, range), etag, contentType, body };
}

/** Null when the length is that of a compressed body: what we read is not. */
function lengthOf(headers: Headers): number | null {
  const encoded = !['', 'identity'].includes(headers.get('content-encoding') ?? '');
  return encoded ? null : numberOf(/^(\d+)$/, headers.get('content-length'));
}

function numberOf(pattern: RegExp, header: string | null): number | null {
  const digits = pattern.exec(header ?? '')?.[1];
  return digits === undefined ? null : Number(digits);
}

const DEFAULT_TYPE: Record<ContentVariant, string> = { video: 'video/mp4', thumbnail: '', spritesheet: '' };

/** A gateway's page is no video; and one that knows no variants answers with the video when it is asked for an image. */
function fits(variant: ContentVariant, contentType: string): boolean {
  return variant === 'video' ? !/^text\/|[/+](json|xml)\b/i.test(contentType) : /^image\//i.test(contentType);
}
