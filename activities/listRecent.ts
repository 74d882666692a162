import type { ProviderVideo } from '../provider/index.ts';
import type { ProviderDependencies } from './dependencies.ts';
import { transient } from './transient.ts';

/** How far back the list is read at least: a provider that shows local times as if they were UTC is off by hours. */
const LIST_BACK_MS = 26 * 3_600_000;

/** Together 10,000 videos: more in that time are too many to look through, and docs/operating.md says so. */
const PAGE = 100;
const MOST_PAGES = 100;
/** A page takes 30 s at most, so that the activity ends by itself in its own time, and says that it was the provider's. */
const LIST_WITHIN_MS = 120_000;

/** Answers of a server that has no list. */
const CANNOT_LIST = [404, 405, 501];

/** Every video made since then, and of the day before it. Raises a retryable failure unless the whole of it could be read. */
export async function listRecent(
  { provider }: Pick<ProviderDependencies, 'provider'>,
  since: Date,
): Promise<ProviderVideo[] | 'cannot list'> {
  const backTo = since.getTime() - LIST_BACK_MS;
  const videos: ProviderVideo[] = [];
  const giveUpAtMs = performance.now() + LIST_WITHIN_MS;
  let after: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    if (performance.now() > giveUpAtMs) throw transient("The provider's list takes too long to be read.", null);
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
