import type { FindOutcome } from '../contracts/activities.ts';
import type { OpenAttempt } from '../ledger/index.ts';
import type { ProviderVideo } from '../provider/index.ts';
import type { ProviderDependencies } from './dependencies.ts';
import { transient } from './transient.ts';

/** A provider's clock may differ from ours by this, and shows whole seconds. */
const CLOCK_SLACK_MS = 60_000;

/** How far back the list is read at least: a provider that shows local times as if they were UTC is off by hours. */
const LIST_BACK_MS = 26 * 3_600_000;

const PAGE = 50;
const MOST_PAGES = 40;

/** Answers of a server that has no list. */
const CANNOT_LIST = [404, 405, 501];

/** See `ProviderActivities.findVideo`. */
export async function findVideo(deps: ProviderDependencies, generationId: string): Promise<FindOutcome> {
  const { ledger, provider, at, providerEventsExpected } = deps;
  const attempt = await ledger.getOpenAttempt(generationId);
  if (attempt === undefined) {
    const { videoId } = await ledger.getProviderVideo(generationId);
    if (videoId === null) return { outcome: 'closed' };
    return { outcome: 'adopted', providerVideoId: videoId, providerEventsExpected };
  }
  if (attempt.hasReference) return { outcome: 'unknowable', why: 'a list does not show the reference file' };
  if (attempt.providerBaseUrl !== provider.baseUrl || attempt.providerCredential !== provider.credential) {
    throw transient('The create went to another provider, or with another key, than is configured now.', null);
  }
  at('find:before');
  const listed = await listRecent(deps, attempt);
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
      return { outcome: 'closed' };
  }
}

/** Everything that a list shows is what was asked for, and it was made since. */
function isMeant(video: ProviderVideo, attempt: OpenAttempt): boolean {
  const since = attempt.begunAt.getTime() - CLOCK_SLACK_MS;
  return (
    video.prompt === attempt.prompt &&
    video.model === attempt.model &&
    video.seconds === attempt.seconds &&
    video.size === attempt.size &&
    video.remixedFrom === null &&
    (video.createdAt === null || video.createdAt.getTime() >= since)
  );
}

/** Its prompt fits or isn't shown, or it was made at about that time: providers rename models and rewrite prompts. */
function couldBeMeant({ prompt, createdAt }: ProviderVideo, attempt: OpenAttempt): boolean {
  if (prompt === null || prompt === attempt.prompt || createdAt === null) return true;
  return Math.abs(createdAt.getTime() - attempt.begunAt.getTime()) <= CLOCK_SLACK_MS;
}

/** Every video of the last day, or more. Raises a retryable failure unless the whole of it could be read. */
async function listRecent(
  { provider }: ProviderDependencies,
  attempt: OpenAttempt,
): Promise<ProviderVideo[] | 'cannot list'> {
  const backTo = attempt.begunAt.getTime() - LIST_BACK_MS;
  const videos: ProviderVideo[] = [];
  let after: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const listed = await provider.listVideos({ limit: PAGE, ...(after === undefined ? {} : { after }) });
    if (listed.outcome === 'transient') {
      if (listed.status !== null && CANNOT_LIST.includes(listed.status)) return 'cannot list';
      throw transient(`The provider's list could not be read: ${listed.why}.`, listed.retryAfterMs);
    }
    if (listed.unreadable > 0) throw transient("A part of the provider's list could not be read.", null);
    videos.push(...listed.videos);
    if (!listed.hasMore || isPast(videos, backTo)) return videos;
    if (listed.lastId === null) throw transient("The provider's list has more, but not where.", null);
    after = listed.lastId;
  }
  throw transient("The provider's list is too long to be looked through.", null);
}

/** Whether the rest of the list must be older than that: only in a list that really is in the order that was asked for. */
function isPast(videos: readonly ProviderVideo[], backTo: number): boolean {
  const times = videos.map(({ createdAt }) => createdAt?.getTime() ?? Number.NaN);
  const descending = times.every((time, index) => index === 0 || time <= (times[index - 1] ?? Number.NaN));
  return descending && (times.at(-1) ?? Number.NaN) < backTo;
}
