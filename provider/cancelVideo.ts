import { z } from 'zod';
import { canonicalVideoId } from '../contracts/providerVideoId.ts';
import type { Answer } from './answer.ts';
import type { Dialect } from './dialects/index.ts';
import type { CancelResult, Trouble } from './types.ts';

const told = z.looseObject({ id: z.string() });

/**
 * Reads the answer to a DELETE that was sent to end unfinished work. Only what the dialect knows as the proof of that, about this
 * very video, is `ended`; every other answer is `unclear`: "deleted" may be said of the record alone, and a 404 of another replica.
 */
export function readCancel({ cancel }: Dialect, id: string, answer: Answer | Trouble): CancelResult {
  if ('outcome' in answer) return { outcome: 'unclear', why: answer.why };
  const { status, body } = answer;
  const video = told.safeParse(body).data;
  const isEnded =
    cancel !== null &&
    status === 200 &&
    video !== undefined &&
    canonicalVideoId(video.id) === canonicalVideoId(id) &&
    Object.entries(cancel.ended).every(([name, value]) => video[name] === value);
  return isEnded ? { outcome: 'ended' } : { outcome: 'unclear', why: `HTTP ${status} that does not say that it ended` };
}
