import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { VideoRequest } from './videoRequest.ts';

/**
 * SHA-256 over route and canonical body (RFC 8785), files by their hash: the same request has the same fingerprint, whether
 * it came as JSON or as a form, with its defaults written out or not.
 */
export function fingerprintOf({ model, seconds, size, prompt, maxMicrocredits, inputReference }: VideoRequest): Buffer {
  const reference =
    inputReference === null
      ? null
      : { type: inputReference.contentType, sha256: createHash('sha256').update(inputReference.bytes).digest('hex') };
  const body = canonicalize({ model, seconds, size, prompt, max: maxMicrocredits, input_reference: reference });
  return createHash('sha256').update(`POST /v1/videos\n${body}`).digest();
}
