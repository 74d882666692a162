import { canonicalVideoId } from '../contracts/providerVideoId.ts';
import type { Provider, ProviderVideo } from '../provider/index.ts';
import { transient } from './transient.ts';

/** The list is read at least this far back: a provider that sends local times as UTC is off by hours. */
const LIST_BACK_MS = 26 * 3_600_000;

/** 10,000 videos together. More in that time are too many to look through; docs/operating.md says so. */
const PAGE = 100;
const MOST_PAGES = 100;
/** Well within the activities' own time-out. */
const MOST_MS = 120_000;
/** The delay before a list that broke off in the middle is read from its beginning again. */
const RETRY_MS = 60_000;

/** How far a list was read. Only one that was read whole, and is complete, proves that something was not made (MR-36, MR-78). */
export type ListEnd =
  | { readonly read: 'whole'; readonly isComplete: boolean }
  | { readonly read: 'cannot list' }
  | {
      /** The list goes in circles, is too long, or contains unreadable entries. */
      readonly read: 'in part';
      readonly why: string;
    };

type Visit = (videos: readonly ProviderVideo[], clockSkewMs: number | null) => Promise<void>;

/**
 * Reads the provider's list page by page, back to a day before `since`. Hands over each page's new videos and forgets them.
 * Limited in pages and time. Raises a retryable failure when the provider doesn't answer.
 */
export async function listRecent(provider: Provider, since: Date, visit: Visit): Promise<ListEnd> {
  const endsAtMs = performance.now() + MOST_MS;
  const order = new Order(since.getTime() - LIST_BACK_MS);
  const seen = new Set<string>();
  let unreadable = 0;
  let isComplete = true;
  let after: string | undefined;
  for (let page = 0; page < MOST_PAGES && performance.now() < endsAtMs; page += 1) {
    const listed = await provider.listVideos({ limit: PAGE, ...(after === undefined ? {} : { after }) });
    if (listed.outcome === 'no_list') return { read: 'cannot list' };
    if (listed.outcome === 'transient') {
      const retryMs = page === 0 ? listed.retryAfterMs : RETRY_MS;
      throw transient(`The provider's list could not be read: ${listed.why}.`, retryMs, listed.whose);
    }
    unreadable += listed.unreadable;
    isComplete &&= listed.isComplete;
    const fresh = listed.videos.filter(isNew(seen));
    await visit(fresh, listed.clockSkewMs);
    if (!listed.hasMore || order.isPast(listed.videos, listed.clockSkewMs))
      return unreadable === 0 ? { read: 'whole', isComplete } : UNREADABLE;
    if (listed.lastId === null) return { read: 'in part', why: 'the list has more, but not where' };
    // The page ignores `after`, repeats, or is empty although there are more: the next pages would do so for ever.
    if (fresh.length === 0) return { read: 'in part', why: 'the list turns in circles' };
    // Every id is remembered, and a server may put any number on a page.
    if (seen.size > PAGE * MOST_PAGES) break;
    after = listed.lastId;
  }
  return { read: 'in part', why: 'the list is too long to be looked through' };
}

/** A gateway may list one video under two spellings of its id. */
function isNew(seen: Set<string>) {
  return ({ id }: ProviderVideo): boolean => {
    const canonical = canonicalVideoId(id);
    if (seen.has(canonical)) return false;
    seen.add(canonical);
    return true;
  };
}

const UNREADABLE: ListEnd = { read: 'in part', why: 'a part of the list is unreadable' };

/**
 * Whether the rest of the list must be older than a moment. That holds only for a list in the requested order and a known clock:
 * a provider whose clock is days behind would seem to have nothing new.
 */
export class Order {
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
