import type { Provider, ProviderVideo } from '../provider/index.ts';
import { transient } from './transient.ts';

/** How far back the list is read at least: a provider that shows local times as if they were UTC is off by hours. */
const LIST_BACK_MS = 26 * 3_600_000;

/** Together 10,000 videos: more in that time are too many to look through, and docs/operating.md says so. */
const PAGE = 100;
const MOST_PAGES = 100;
/** Well within the activities' own time. */
const MOST_MS = 120_000;
/** A list that broke off in the middle is not read from its beginning at once. */
const RETRY_MS = 60_000;

/** Answers of a server that has no list. */
const CANNOT_LIST = [404, 405, 501];

/** How far a list was read. Only `whole` proves that something is not there (MR-36). */
export type ListEnd =
  | { readonly read: 'whole' | 'cannot list' }
  | {
      /** It turns in circles, is too long, or holds what can't be read. */
      readonly read: 'in part';
      readonly why: string;
    };

type Visit = (videos: readonly ProviderVideo[], clockSkewMs: number | null) => Promise<void>;

/**
 * Reads the provider's list back to a day before `since`, page by page: each page is handed over, with videos that were not
 * on an earlier one, and forgotten. Bounded in pages and time. Raises a retryable failure when the provider doesn't answer.
 */
export async function listRecent(provider: Provider, since: Date, visit: Visit): Promise<ListEnd> {
  const endsAtMs = performance.now() + MOST_MS;
  const order = new Order(since.getTime() - LIST_BACK_MS);
  const seen = new Set<string>();
  let unreadable = 0;
  let after: string | undefined;
  for (let page = 0; page < MOST_PAGES && performance.now() < endsAtMs; page += 1) {
    const listed = await provider.listVideos({ limit: PAGE, ...(after === undefined ? {} : { after }) });
    if (listed.outcome === 'transient') {
      if (listed.status !== null && CANNOT_LIST.includes(listed.status)) return { read: 'cannot list' };
      const retryMs = page === 0 ? listed.retryAfterMs : RETRY_MS;
      throw transient(`The provider's list could not be read: ${listed.why}.`, retryMs);
    }
    unreadable += listed.unreadable;
    const fresh = listed.videos.filter(({ id }) => !seen.has(id) && seen.add(id));
    await visit(fresh, listed.clockSkewMs);
    if (!listed.hasMore || order.isPast(listed.videos, listed.clockSkewMs))
      return unreadable === 0 ? { read: 'whole' } : UNREADABLE;
    if (listed.lastId === null) return { read: 'in part', why: 'the list has more, but not where' };
    // A page ignored `after`, came again, or is empty though there are more: the next ones would go on like this for ever.
    if (fresh.length === 0) return { read: 'in part', why: 'the list turns in circles' };
    // What was seen is remembered, and a server may put any number on a page.
    if (seen.size > PAGE * MOST_PAGES) break;
    after = listed.lastId;
  }
  return { read: 'in part', why: 'the list is too long to be looked through' };
}

const UNREADABLE: ListEnd = { read: 'in part', why: 'a part of the list is unreadable' };

/**
 * Whether the rest of the list must be older than a moment: only in a list that really is in the order that was asked for, and by
 * a clock that is known. A provider whose clock is days behind would else seem to have nothing new.
 */
class Order {
  private descending = true;
  private last = Number.POSITIVE_INFINITY;

  constructor(private readonly backTo: number) {}

  isPast(videos: readonly ProviderVideo[], clockSkewMs: number | null): boolean {
    for (const { createdAt } of videos) {
      const time = createdAt?.getTime() ?? Number.NaN;
      this.descending &&= time <= this.last;
      this.last = time;
    }
    return this.descending && clockSkewMs !== null && this.last < this.backTo + clockSkewMs;
  }
}
