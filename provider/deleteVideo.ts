import { z } from 'zod';
import type { DeleteResult, RetrieveResult, Trouble } from './types.ts';

/** Statuses below 500 that pass, or that the operator mends: our key, our bill, a video that is in use. */
const PASSING = new Set([401, 402, 408, 409, 425, 429]);

const refusedBody = z.union([
  z.object({ deleted: z.literal(false) }),
  z.object({ error: z.union([z.object({}), z.string()]) }),
]);

/** Reads the body of a 2xx: servers that keep the video say so there, and gateways pass errors on so. */
export function readDeletion(body: unknown): DeleteResult {
  if (!refusedBody.safeParse(body).success) return { outcome: 'deleted' };
  return { outcome: 'kept', why: 'HTTP 2xx that says it was not deleted' };
}

/**
 * What a deletion that was not answered with 2xx comes to. Many servers have no DELETE: their answer stays the same however
 * often it is asked for. A 404 may mean that or that the video is gone, so `retrieve` tells.
 */
export async function sortDeletion(trouble: Trouble, retrieve: () => Promise<RetrieveResult>): Promise<DeleteResult> {
  if (trouble.status === 410) return { outcome: 'deleted' };
  if (trouble.status !== 404) return isFinal(trouble.status) ? { outcome: 'kept', why: trouble.why } : trouble;
  const seen = await retrieve();
  if (seen.outcome === 'seen') return { outcome: 'kept', why: `${trouble.why}, and the video is still there` };
  if (seen.status === 404 || seen.status === 410) return { outcome: 'deleted' };
  return isFinal(seen.status) ? { outcome: 'kept', why: trouble.why } : seen;
}

function isFinal(status: number | null): boolean {
  return status !== null && (status === 501 || (status >= 300 && status < 500 && !PASSING.has(status)));
}
