import { z } from 'zod';
import type { DeleteResult, RetrieveResult, Trouble } from './types.ts';

/** Statuses below 500 that go away by themselves or that the operator fixes: our key, our bill, a video in use. */
const PASSING = new Set([401, 402, 408, 409, 425, 429]);

const refusedBody = z.union([
  z.object({ deleted: z.literal(false) }),
  z.object({ error: z.union([z.object({}), z.string()]) }),
]);

/** Reads the body of a 2xx: there, servers say that they keep the video, and gateways pass errors on. */
export function readDeletion(body: unknown): DeleteResult {
  if (!refusedBody.safeParse(body).success) return { outcome: 'deleted' };
  return { outcome: 'kept', why: 'HTTP 2xx that says it was not deleted' };
}

/**
 * Classifies a deletion that was not answered with 2xx. Many servers have no DELETE and give the same answer every time. A
 * 404 can mean that or that the video is gone, so `retrieve` decides.
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
