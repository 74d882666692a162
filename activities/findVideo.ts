import type { FindOutcome } from '../contracts/activities.ts';
import type { OpenAttempt } from '../ledger/index.ts';
import type { ProviderVideo } from '../provider/index.ts';
import type { ProviderDependencies } from './dependencies.ts';
import { transient } from './transient.ts';

/** A provider's clock may differ from ours by this, and shows whole seconds. */
const CLOCK_SLACK_MS = 60_000;

const PAGE = 100;
const MOST_PAGES = 20;

/** Answers of a server that has no list. */
const CANNOT_LIST = [404, 405, 501];

/** See `ProviderActivities.findVideo`. */
export async function findVideo(deps: ProviderDependencies, generationId: string): Promise<FindOutcome> {
  const { ledger, at } = deps;
  const attempt = await ledger.getOpenAttempt(generationId);
  if (attempt === undefined) return { outcome: 'closed' };
  if (attempt.hasReference) return { outcome: 'unknowable', why: 'a list does not show the reference file' };
  at('find:before');
  const listed = await listSince(deps, attempt.begunAt.getTime() - CLOCK_SLACK_MS);
  at('find:listed');
  if (listed === 'cannot list') return { outcome: 'unknowable', why: 'the provider has no list' };
  if (listed.length > 0 && listed.every(({ prompt }) => prompt === null)) {
    return { outcome: 'unknowable', why: 'the provider echoes no prompt' };
  }
  const alike = listed.filter((video) => looksLike(video, attempt));
  const owned = await ledger.findOwnedVideos(alike.map(({ id }) => id));
  const candidates = alike.filter(({ id }) => !owned.has(id));
  const [only] = candidates;
  if (only === undefined) return nothing(deps, generationId, attempt);
  if (candidates.length > 1) return { outcome: 'unclear', why: `${candidates.length} videos look the same` };
  return adopt(deps, generationId, attempt, only);
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

async function nothing(
  { ledger, lookForCreateMs }: ProviderDependencies,
  generationId: string,
  attempt: OpenAttempt,
): Promise<FindOutcome> {
  if (attempt.ageMs < lookForCreateMs) return { outcome: 'nothing_yet' };
  await ledger.endCreate(generationId, attempt.number, { outcome: 'not_found' });
  return { outcome: 'not_found' };
}

function looksLike(video: ProviderVideo, attempt: OpenAttempt): boolean {
  return (
    video.prompt === attempt.prompt &&
    video.model === attempt.model &&
    video.seconds === attempt.seconds &&
    video.size === attempt.size &&
    video.remixedFrom === null
  );
}

/** Every video made since then, newest first. Raises a retryable failure unless the whole of it could be read. */
async function listSince(
  { provider }: ProviderDependencies,
  sinceMs: number,
): Promise<ProviderVideo[] | 'cannot list'> {
  const videos: ProviderVideo[] = [];
  let after: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const listed = await provider.listVideos({ limit: PAGE, ...(after === undefined ? {} : { after }) });
    if (listed.outcome === 'transient') {
      if (listed.status !== null && CANNOT_LIST.includes(listed.status)) return 'cannot list';
      throw transient(`The provider's list could not be read: ${listed.why}.`, listed.retryAfterMs);
    }
    if (listed.unreadable > 0) throw transient("A part of the provider's list could not be read.", null);
    // Without a time a video may be of any age; it is kept, for leaving it out could lead to a second create.
    const recent = listed.videos.filter(({ createdAt }) => createdAt === null || createdAt.getTime() >= sinceMs);
    videos.push(...recent);
    if (!listed.hasMore || listed.lastId === null || recent.length === 0) return videos;
    after = listed.lastId;
  }
  throw transient("The provider's list is too long to be looked through.", null);
}
