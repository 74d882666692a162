import { canonicalVideoId } from '../contracts/providerVideoId.ts';
import type { VideoPage } from '../provider/index.ts';
import type { Coverage, OpenVideo } from '../store/index.ts';
import { Order } from './listRecent.ts';

/** What the sweep reads of a list. A provider may put more on a page than was asked for. */
const PAGE = 100;
const LEAST_PAGE = 20;
export const MOST_PAGES = 100;
const MOST_IDS = PAGE * MOST_PAGES;

/** Seconds are told in whole numbers, and a list need not be ordered by the very time that it tells. */
const ORDER_SLACK_MS = 60_000;

/** A video that so many rounds in a row did not show keeps no round going, except for one in so many. */
const MISSED_ROUNDS = 2;
const LOOK_AGAIN_ROUNDS = 30;

export interface WantedPage {
  readonly limit: number;
  readonly after?: string;
}

/** The generations whose workflows should look now. */
export interface ToNudge {
  readonly ended: readonly string[];
  readonly vanished: readonly string[];
}

const NOBODY: ToNudge = { ended: [], vanished: [] };

interface Sighting {
  /** Whether the list has shown it since its workflow was last told that it vanished. */
  readonly isKnown: boolean;
  /** How many rounds in a row that looked for it did not show it. */
  readonly missed: number;
}

interface Round {
  readonly limit: number;
  /** The open videos that the list has not shown in this round; the round ends when there are none. */
  readonly awaited: Set<string>;
  readonly order: Order;
  readonly seen: Set<string>;
  shown: number;
  pages: number;
  hasUnreadable: boolean;
  after: string | undefined;
}

/**
 * Reads a provider's list in rounds: from the newest video, page by page, until each open one was shown or a bound is reached. Tells
 * which workflows should look. Nothing that a list says or leaves out is a fact here: it only makes somebody look (MR-4).
 *
 * Pure, and bounded in what it remembers: the open videos, and the ids of one round.
 */
export class SweepRounds {
  private open = new Map<string, OpenVideo>();
  private readonly sightings = new Map<string, Sighting>();
  private round: Round | undefined;
  private rounds = 0;
  private lastShown: number | null = null;

  get isBetweenRounds(): boolean {
    return this.round === undefined;
  }

  /** What the last round showed; null when there was none, or nothing was open. */
  get coverage(): Coverage | null {
    if (this.lastShown === null || this.open.size + this.lastShown === 0) return null;
    const missed = [...this.open.keys()].filter((id) => this.isGivenUp(id)).length;
    return { shown: this.lastShown, missed };
  }

  /** What is open now, by our record. A video that is new to it is looked for from the next round on. */
  setOpen(videos: readonly OpenVideo[]): void {
    this.open = new Map(videos.map((video) => [video.canonicalId, video]));
    for (const id of this.sightings.keys()) if (!this.open.has(id)) this.sightings.delete(id);
    for (const id of this.round?.awaited ?? []) if (!this.open.has(id)) this.round?.awaited.delete(id);
  }

  /** The page to ask for next; undefined when nothing is open. */
  nextPage(): WantedPage | undefined {
    if (this.open.size === 0) {
      this.round = undefined;
      return undefined;
    }
    this.round ??= this.begin();
    const { limit, after } = this.round;
    return after === undefined ? { limit } : { limit, after };
  }

  /** Takes the page that was asked for. */
  take(page: VideoPage): ToNudge {
    const { round } = this;
    if (round === undefined) return NOBODY;
    round.pages += 1;
    round.hasUnreadable ||= page.unreadable > 0;
    const { ended, isNew } = this.look(round, page);
    const hasMore = page.hasMore && !round.order.isPast(page.videos, 0);
    if (round.awaited.size === 0 || !hasMore) return { ended, vanished: this.end(round, !round.hasUnreadable) };
    // It goes in circles, or does not say where it goes on, or is too long: what it has not shown may be there all the same.
    const isStuck = page.lastId === null || !isNew || round.pages >= MOST_PAGES || round.seen.size > MOST_IDS;
    if (isStuck) return { ended, vanished: this.end(round, false) };
    round.after = page.lastId;
    return { ended, vanished: [] };
  }

  /** The list can't be read: what it shows is not known, and the next round begins with the newest again. */
  drop(): void {
    this.round = undefined;
    this.lastShown = 0;
  }

  private begin(): Round {
    this.rounds += 1;
    const isThorough = this.rounds % LOOK_AGAIN_ROUNDS === 0;
    const awaited = [...this.open.keys()].filter((id) => isThorough || !this.isGivenUp(id));
    // By the provider's own times alone: no clock of ours is asked. An unknown one is as old as can be.
    const oldestMs = awaited.reduce(
      (oldest, id) => Math.min(oldest, this.open.get(id)?.createdAt?.getTime() ?? Number.NEGATIVE_INFINITY),
      Number.POSITIVE_INFINITY,
    );
    return {
      // Most open ones are among the newest, so few of them need no long page.
      limit: Math.min(PAGE, Math.max(LEAST_PAGE, 2 * awaited.length)),
      awaited: new Set(awaited),
      order: new Order(oldestMs - ORDER_SLACK_MS),
      ...{ seen: new Set<string>(), shown: 0, pages: 0, hasUnreadable: false, after: undefined },
    };
  }

  /** `isNew`: whether the page shows anything that the round has not shown before. */
  private look(round: Round, page: VideoPage): { ended: string[]; isNew: boolean } {
    const ended: string[] = [];
    const before = round.seen.size;
    for (const video of page.videos) {
      const id = canonicalVideoId(video.id);
      if (round.seen.has(id)) continue;
      round.seen.add(id);
      round.awaited.delete(id);
      const known = this.open.get(id);
      if (known === undefined) continue;
      round.shown += 1;
      this.sightings.set(id, { isKnown: true, missed: 0 });
      if (video.verdict === 'open') continue;
      ended.push(known.generationId);
      // It is told of once; what is on our record is read again before the next round.
      this.open.delete(id);
    }
    return { ended, isNew: round.seen.size > before };
  }

  /** `isWhole`: the list was read as far as what is awaited could be. Returns what has vanished from it. */
  private end(round: Round, isWhole: boolean): string[] {
    this.round = undefined;
    this.lastShown = round.shown;
    const vanished: string[] = [];
    for (const id of round.awaited) {
      const { isKnown, missed } = this.sightings.get(id) ?? { isKnown: false, missed: 0 };
      const hasVanished = isWhole && isKnown && missed + 1 >= MISSED_ROUNDS;
      const video = this.open.get(id);
      if (hasVanished && video !== undefined) vanished.push(video.generationId);
      this.sightings.set(id, { isKnown: isKnown && !hasVanished, missed: Math.min(MISSED_ROUNDS, missed + 1) });
    }
    return vanished;
  }

  private isGivenUp(id: string): boolean {
    return (this.sightings.get(id)?.missed ?? 0) >= MISSED_ROUNDS;
  }
}
