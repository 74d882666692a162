import type { FindOutcome } from '../contracts/activities.ts';
import type { OpenAttempt } from '../ledger/index.ts';
import type { ProviderVideo } from '../provider/index.ts';
import type { ProviderDependencies } from './dependencies.ts';
import { listRecent } from './listRecent.ts';
import { notAsked } from './transient.ts';

/** A provider's clock may differ from ours by this, and shows whole seconds. */
const CLOCK_SLACK_MS = 60_000;

/** See `ProviderActivities.findVideo`. */
export async function findVideo(deps: ProviderDependencies, generationId: string): Promise<FindOutcome> {
  const { ledger, provider, at } = deps;
  const attempt = await ledger.getOpenAttempt(generationId);
  if (attempt === undefined) return closed(deps, generationId);
  if (attempt.hasReference) return { outcome: 'unknowable', why: 'a list does not show the reference file' };
  if (attempt.providerBaseUrl !== provider.baseUrl || attempt.providerCredential !== provider.credential) {
    throw notAsked('The create went to another provider, or with another key, than is configured now.');
  }
  at('find:before');
  const listed = await listRecent(deps, attempt.begunAt);
  at('find:listed');
  if (listed === 'cannot list') return { outcome: 'unknowable', why: 'the provider has no list' };
  const owned = await ledger.findOwnedVideos(listed.map(({ id }) => id));
  const unowned = listed.filter(({ id }) => !owned.has(id));
  const [only, ...others] = unowned.filter((video) => isMeant(video, attempt));
  if (others.length > 0) return { outcome: 'unclear', why: `${others.length + 1} videos look the same` };
  if (only !== undefined) return adopt(deps, generationId, attempt, only);
  if (attempt.ageMs < deps.lookForCreateMs) return { outcome: 'nothing_yet' };
  // "I can't recognise it" is not "nothing was made": a second create needs more than that.
  if (unowned.some((video) => couldBeMeant(video, attempt))) {
    return { outcome: 'unclear', why: 'a video that nobody owns could be meant' };
  }
  await ledger.endCreate(generationId, attempt.number, { outcome: 'not_found' });
  return { outcome: 'not_found' };
}

async function adopt(
  deps: ProviderDependencies,
  generationId: string,
  attempt: OpenAttempt,
  video: ProviderVideo,
): Promise<FindOutcome> {
  const adoption = await deps.ledger.adoptVideo(generationId, attempt.number, video);
  deps.at('find:adopted');
  switch (adoption) {
    case 'adopted':
      return { outcome: 'adopted', providerVideoId: video.id, providerEventsExpected: deps.providerEventsExpected };
    case 'rival':
      return { outcome: 'unclear', why: 'another open attempt looks the same' };
    case 'taken':
      return { outcome: 'unclear', why: 'the video has just been given to another generation' };
    case 'closed':
      return closed(deps, generationId);
  }
}

/** The attempt has ended meanwhile; the late answer to the create may have brought its video. */
async function closed(deps: ProviderDependencies, generationId: string): Promise<FindOutcome> {
  const { videoId } = await deps.ledger.getProviderVideo(generationId);
  if (videoId === null) return { outcome: 'closed' };
  return { outcome: 'adopted', providerVideoId: videoId, providerEventsExpected: deps.providerEventsExpected };
}

/** Everything that a list shows is what was asked for, and it was made since. */
function isMeant(video: ProviderVideo, attempt: OpenAttempt): boolean {
  const since = attempt.begunAt.getTime() - CLOCK_SLACK_MS;
  return (
    video.prompt === attempt.prompt &&
    video.model === attempt.model &&
    video.seconds === attempt.seconds &&
    video.size === attempt.size &&
    video.remixedFrom === attempt.remixedFrom &&
    (video.createdAt === null || video.createdAt.getTime() >= since)
  );
}

/** Its prompt fits or isn't shown, or it was made at about that time: providers rename models and rewrite prompts. */
function couldBeMeant({ prompt, createdAt }: ProviderVideo, attempt: OpenAttempt): boolean {
  if (prompt === null || prompt === attempt.prompt || createdAt === null) return true;
  return Math.abs(createdAt.getTime() - attempt.begunAt.getTime()) <= CLOCK_SLACK_MS;
}
