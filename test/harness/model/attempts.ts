import { PROVIDER } from '../support/ledgerSteps.ts';
import { type Books } from '../support/database.ts';
import type { SeenVideo } from '../../../store/index.ts';
import type { Generation, Model } from './state.ts';
import { createsSpent, isFinished, isSettled, openAttempt, refusedAs } from './state.ts';

/** Predicts the provider's steps. None moves credits, but each may be the proof for a movement. */

export interface BeginCall {
  readonly generationId: string;
  readonly leastTimeLeftMs: number;
}

export function beginAttempt(model: Model, { generationId, leastTimeLeftMs }: BeginCall): unknown {
  const { identity: provider } = PROVIDER;
  const generation = model.generations.get(generationId);
  if (generation === undefined) return refusedAs('unknown_generation');
  const { attempts, video } = generation;
  if (generation.claimOf !== null) return refusedAs('wrong_state');
  const last = attempts.at(-1);
  if (video !== null) return { outcome: 'known', provider, providerVideoId: video };
  if (generation.state !== 'held') return { outcome: 'settled' };
  if (last?.outcome === 'refused') return { outcome: 'refused', errorCode: last.errorCode };
  if (last?.outcome === null) return { outcome: 'open' };
  if (last?.outcome === 'conflict') return { outcome: 'conflict' };
  if (generation.cancelRequested) return { outcome: 'cancelled' };
  if (createsSpent(generation)) return { outcome: 'spent' };
  if (generation.outlived || generation.holdTtlMs <= leastTimeLeftMs) return { outcome: 'too_late' };
  const number = attempts.length + 1;
  attempts.push({ number, outcome: null, errorCode: null });
  const { model: name, seconds, size, prompt } = generation;
  return {
    outcome: 'begun',
    number,
    provider,
    request: {
      ...{ model: name, seconds, size, prompt, images: [], remixedFrom: null, remixedElsewhere: false },
      ...{ lengthField: 'seconds', sizeField: 'size', parameters: {} },
      labels: { user: null, metadata: {} },
    },
  };
}

export type AttemptEnd = Parameters<Books['endAttempt']>[2];

export interface EndCall {
  readonly generationId: string;
  readonly number: number;
  readonly end: AttemptEnd;
}

export function endAttempt(model: Model, { generationId, number, end }: EndCall): unknown {
  if (!Number.isInteger(number) || number >= 2 ** 31) return refusedAs('constraint');
  const generation = model.generations.get(generationId);
  if (generation === undefined) return refusedAs('unknown_generation');
  const attempt = openAttempt(generation);
  if (attempt?.number !== number) return repeated(generation, number, end);
  const owner = end.outcome === 'created' ? ownerOf(model, end.providerVideoId) : undefined;
  if (owner !== undefined) owner.contested = true;
  else if (end.outcome === 'created') Object.assign(generation, { video: end.providerVideoId, verdict: 'open' });
  attempt.outcome = owner === undefined ? end.outcome : 'conflict';
  attempt.errorCode = 'code' in end ? end.code : null;
  freeSlot(model, generation);
  return attempt.outcome;
}

function repeated({ attempts, video }: Generation, number: number, end: AttemptEnd): unknown {
  const outcome = attempts.find((attempt) => attempt.number === number)?.outcome;
  if (outcome === 'conflict') return 'conflict';
  const isSame = outcome === end.outcome && video === (end.outcome === 'created' ? end.providerVideoId : null);
  return isSame ? outcome : 'closed';
}

export interface AdoptCall {
  readonly generationId: string;
  readonly number: number;
  readonly videoId: string;
}

export function adoptVideo(model: Model, { generationId, number, videoId }: AdoptCall): unknown {
  const generation = model.generations.get(generationId);
  if (generation === undefined) return refusedAs('unknown_generation');
  const attempt = openAttempt(generation);
  // Also after a release: its video is followed then.
  const isOpen = generation.state === 'held' || generation.state === 'released';
  // The request of a deleted generation is no longer known.
  if (!isOpen || generation.deleted || generation.video !== null || attempt?.number !== number) return closed('closed');
  const alike = lookAlikes(model, generation);
  // The request of a deleted generation may have been equal.
  const isTwin = ({ accountId, deleted }: Generation) => accountId === generation.accountId && !deleted;
  if (!alike.every(isTwin)) return closed('rival');
  if (ownerOf(model, videoId) !== undefined) return closed('taken');
  // There is one video for all of them.
  if (alike.length > 0) return closed('unequal');
  attempt.outcome = 'adopted';
  Object.assign(generation, { video: videoId, verdict: 'open' });
  return { outcome: 'adopted', providerVideoId: videoId };
}

const closed = (outcome: string) => ({ outcome, providerVideoId: null });

/** The other open attempts with the same fields in a provider's list. */
export function lookAlikes(model: Model, generation: Generation): Generation[] {
  return [...model.generations.values()].filter(
    (other) => other !== generation && openAttempt(other) !== undefined && visible(other) === visible(generation),
  );
}

/** The fields of a request that a provider's list shows. */
const visible = ({ model, seconds, size, prompt }: Generation) => [model, seconds, size, prompt].join();

function ownerOf(model: Model, videoId: string): Generation | undefined {
  return [...model.generations.values()].find(({ video }) => video === videoId);
}

export function noteAmbiguousAttempt(model: Model, generationId: string): unknown {
  return model.generations.has(generationId) ? undefined : refusedAs('unknown_generation');
}

export interface LookCall {
  readonly generationId: string;
  readonly videoId: string;
  readonly seen: SeenVideo;
}

export function recordLook(model: Model, { generationId, videoId, seen }: LookCall): unknown {
  const lookedAt = model.generations.get(generationId);
  if (lookedAt === undefined) return refusedAs('unknown_generation');
  const generation = model.makerOf(lookedAt);
  if (generation.video !== videoId) return refusedAs('wrong_state');
  if (generation.verdict === 'open') {
    // What is no percentage is no progress: nothing that a provider tells may refuse a look.
    const isPercentage = (progress: number | null) => progress !== null && progress >= 0 && progress <= 100;
    const known = [generation.progress, seen.progress].filter(isPercentage).map(Number);
    const progress = known.length === 0 ? null : Math.max(...known);
    const { verdict, errorCode } = generation.contested ? ({ verdict: 'open', errorCode: null } as const) : seen;
    if (generation.state === 'released' && verdict === 'completed') generation.claimable = 'now';
    Object.assign(generation, { verdict, progress, providerError: errorCode });
    freeSlot(model, generation);
  }
  const cancel =
    lookedAt.claimOf === null && generation.cancelRequested && !generation.contested ? 'requested' : 'none';
  return { verdict: generation.verdict, errorCode: generation.providerError, differs: false, cancel };
}

/** A fact learned after the settlement may stop a generation from counting against its account's cap. */
function freeSlot(model: Model, generation: Generation): void {
  if (!generation.countsAsActive || !isSettled(generation) || !isFinished(generation)) return;
  generation.countsAsActive = false;
  model.accountOf(generation).active -= 1;
}
