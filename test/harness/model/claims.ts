import { giveUp, requested } from './requests.ts';
import type { Generation, Model } from './state.ts';
import { Between, LIMIT, refusedAs } from './state.ts';

/** Predicts what follows a release: late videos, the claims that pay for them, and their deletion. */

export interface ClaimCall {
  readonly generationId: string;
  readonly claimOf: string;
  readonly accountId: string;
  readonly apiKeyId: string;
  readonly admitWithinMs: number;
}

export function claimGeneration(model: Model, call: ClaimCall): unknown {
  const { generationId: id, claimOf, accountId } = call;
  const original = model.generations.get(claimOf);
  if (original === undefined || original.accountId !== accountId) return { outcome: 'unknown' };
  const standing = standingClaim(model, claimOf);
  const isOver = standing?.state === 'requested' && standing.late;
  if (standing !== undefined && !isOver) return replayOf(standing);
  const decided = admission(model, original);
  // A conflict with another claim rolls everything back.
  if (decided === 'admitted' && model.generations.has(id)) return refusedAs('already_admitted');
  if (standing !== undefined) giveUp(standing);
  if (decided !== 'admitted') return { outcome: decided, amountMicrocredits: original.amount };
  const { amount, cost, model: name, seconds, size, prompt } = original;
  const late = call.admitWithinMs < 0;
  model.generations.set(
    id,
    requested({ id, accountId, amount, cost, model: name, seconds, size, prompt, late, claimOf }),
  );
  return { outcome: 'admitted', generationId: id, amountMicrocredits: amount };
}

/** It is claimed already; by a claim that waits for its hold, or has it. */
function replayOf({ id, state, amount }: Generation): unknown {
  const by = { generationId: id, amountMicrocredits: amount };
  return state === 'requested'
    ? { outcome: 'pending', ...by }
    : { outcome: 'replay', ...by, status: 200, answer: null };
}

/** The claim of this generation that may still be charged, or was. */
function standingClaim(model: Model, claimOf: string): Generation | undefined {
  const standing = ['requested', 'held', 'charged'];
  return [...model.generations.values()].find((claim) => claim.claimOf === claimOf && standing.includes(claim.state));
}

function admission(model: Model, original: Generation): string {
  const { claimable, deletion, deleted, contested } = original;
  if (claimable !== 'now' || deletion !== 'none' || deleted || contested) return 'not_claimable';
  const account = model.accountOf(original);
  if (account.frozen) return 'account_frozen';
  return account.available < original.amount ? 'insufficient_credits' : 'admitted';
}

export interface ContentCall {
  readonly generationId: string;
  readonly state: 'archived' | 'gone';
}

export const ARCHIVED = { state: 'archived', bytes: 4, sha256: Buffer.alloc(32), contentType: 'video/mp4' } as const;

export function recordContent(model: Model, { generationId, state }: ContentCall): unknown {
  const generation = model.generations.get(generationId);
  if (generation === undefined) return refusedAs('unknown_generation');
  if (generation.content === null) {
    if (generation.state !== 'held' && generation.state !== 'charged') return refusedAs('wrong_state');
    const { verdict, contested } = model.makerOf(generation);
    const isProven = verdict === 'completed' && (state === 'archived' ? !contested : generation.deleted);
    // That it is gone is proven an hour after it was complete, which no run lasts.
    if (!isProven) return refusedAs('no_proof');
    generation.content = generation.deleted ? 'gone' : state;
  }
  return generation.content === 'gone' ? { state: 'gone' } : { ...ARCHIVED, location: `${generationId}/video` };
}

export function stopFollowing(model: Model, generationId: string): unknown {
  const generation = model.generations.get(generationId);
  if (generation === undefined) return refusedAs('unknown_generation');
  const { state, countsAsActive, settledLongAgo } = generation;
  if (state !== 'released' || !countsAsActive || !settledLongAgo) return false;
  generation.countsAsActive = false;
  model.accountOf(generation).active -= 1;
  return true;
}

export function beginDeletion(model: Model, generationId: string): unknown {
  const generation = model.generations.get(generationId);
  if (generation === undefined) return refusedAs('unknown_generation');
  const { claimable, deletion, contested, video } = generation;
  if (claimable !== 'over' || deletion === 'done' || contested) return undefined;
  if (standingClaim(model, generationId) !== undefined) return undefined;
  generation.deletion = 'begun';
  return video;
}

/** Returns what the video had cost us. */
export function endDeletion(model: Model, generationId: string): unknown {
  const generation = model.generations.get(generationId);
  if (generation === undefined) return refusedAs('unknown_generation');
  if (generation.deletion !== 'begun') return 0;
  generation.deletion = 'done';
  return generation.cost * generation.seconds;
}

/** For all accounts; returns the number. */
export function voidLateRequests(model: Model): unknown {
  const late = [...model.generations.values()].filter(
    (generation) => generation.late && generation.state === 'requested',
  );
  for (const generation of late) giveUp(generation);
  return new Between(late.length, LIMIT);
}
