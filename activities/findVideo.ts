import type { FindOutcome } from '../contracts/activities.ts';
import type { OpenAttempt } from '../store/index.ts';
import { judge, lookForCandidates, type Judgement } from './candidates.ts';
import type { ProviderDependencies } from './dependencies.ts';
import { wideForm } from './likeness.ts';
import { boundProvider, isToldOfEnds } from './boundProvider.ts';

/** See `ProviderActivities.findVideo`. */
export async function findVideo(deps: ProviderDependencies, generationId: string): Promise<FindOutcome> {
  const { store } = deps;
  const attempt = await store.getOpenAttempt(generationId);
  if (attempt === undefined) return closed(deps, generationId);
  // MR-35
  if (attempt.hasReference) return { outcome: 'unknowable', why: 'a list does not show the reference file' };
  const provider = boundProvider(deps, attempt.provider);
  const looked = await lookForCandidates({ store, provider }, attempt);
  if (looked.end.read === 'cannot list') return { outcome: 'unknowable', why: 'the provider has no list' };
  const others = looked.candidates.length === 0 ? [] : await store.listUnmatchedPrompts(attempt.provider, generationId);
  const judged = judge(looked, others.map(wideForm));
  if (judged.outcome === 'fits') return adopt(deps, generationId, attempt, judged);
  if (attempt.ageMs < deps.lookForCreateMs) return { outcome: 'nothing_yet' };
  if (judged.outcome === 'unclear') return judged;
  const ended = await store.endAttempt(generationId, attempt.number, { outcome: 'not_found' });
  return ended === 'not_found' ? { outcome: 'not_found' } : closed(deps, generationId);
}

async function adopt(
  deps: ProviderDependencies,
  generationId: string,
  attempt: OpenAttempt,
  found: Extract<Judgement, { outcome: 'fits' }>,
): Promise<FindOutcome> {
  const { outcome, providerVideoId } = await deps.store.adoptVideo(generationId, attempt.number, found);
  if (providerVideoId !== null) {
    return { outcome: 'adopted', providerVideoId, providerEventsExpected: await isToldOfEnds(deps, attempt.provider) };
  }
  switch (outcome) {
    case 'rival':
      return { outcome: 'unclear', why: 'another open attempt looks the same' };
    case 'unequal':
      return { outcome: 'unclear', why: `${found.videos.length} videos look the same` };
    case 'taken':
      return { outcome: 'unclear', why: 'the video has just been given to another generation' };
    default:
      return closed(deps, generationId);
  }
}

/** The attempt ended meanwhile; a late answer to the submission may have brought its video. */
async function closed(deps: ProviderDependencies, generationId: string): Promise<FindOutcome> {
  const { provider, videoId } = await deps.store.getProviderVideo(generationId);
  if (videoId === null) return { outcome: 'closed' };
  return { outcome: 'adopted', providerVideoId: videoId, providerEventsExpected: await isToldOfEnds(deps, provider) };
}
