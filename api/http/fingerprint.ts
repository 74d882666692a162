import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

/**
 * SHA-256 over route and canonical body (RFC 8785): the same request has the same fingerprint as JSON and as a form, with or
 * without its defaults. Files are included by their hash.
 */
export function fingerprintOf(route: string, body: Record<string, unknown>): Buffer {
  return createHash('sha256')
    .update(`POST ${route}\n${canonicalize(body)}`)
    .digest();
}

export function hashOfFile(file: { contentType: string; bytes: Uint8Array } | null): Record<string, string> | null {
  if (file === null) return null;
  return { type: file.contentType, sha256: createHash('sha256').update(file.bytes).digest('hex') };
}
