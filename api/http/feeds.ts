import type { Changes } from '../../store/index.ts';

/** Also keeps proxies from closing a connection on which nothing happens. */
const LOOK_AT_LEAST_EVERY_MS = 15_000;
/** Who comes when a generation is followed already makes it look again, but not more often than this. */
const FRESH_FOR_MS = 1000;

/** What a look brought; an error is every follower's. */
type Seen<Generation> = { readonly generation: Generation } | { readonly error: unknown };

/** One generation that is followed: read once a change and every 15 s, for all of its followers. */
class Feed<Generation> {
  latest: Seen<Generation> | undefined;
  private readonly followers = new Set<() => void>();
  private readonly timer = setInterval(() => this.changed(), LOOK_AT_LEAST_EVERY_MS);
  private isStale = false;
  private isLooking = false;
  private lookedAtMs = -Infinity;

  constructor(private readonly look: () => Promise<Generation>) {}

  get isFollowed(): boolean {
    return this.followers.size > 0;
  }

  add(wake: () => void): void {
    this.followers.add(wake);
    if (performance.now() - this.lookedAtMs > FRESH_FOR_MS) this.changed();
    if (this.latest !== undefined) wake();
  }

  remove(wake: () => void): void {
    this.followers.delete(wake);
    if (!this.isFollowed) clearInterval(this.timer);
  }

  /** What changes while it is read is read once more. */
  changed(): void {
    this.isStale = true;
    if (!this.isLooking) void this.lookAgain();
  }

  private async lookAgain(): Promise<void> {
    this.isLooking = true;
    while (this.isStale) {
      this.isStale = false;
      this.lookedAtMs = performance.now();
      this.latest = await this.look().then(
        (generation) => ({ generation }),
        (error: unknown) => ({ error }),
      );
      for (const wake of this.followers) wake();
    }
    this.isLooking = false;
  }
}

export interface Following<Generation> {
  /** As it was last seen; undefined before the first look. */
  readonly latest: () => Seen<Generation> | undefined;
  readonly leave: () => void;
}

/** The generations that are followed in this process, each read once a change however many follow it. */
export class Feeds {
  private readonly feeds = new Map<string, { feed: Feed<unknown>; unwatch: () => void }>();

  constructor(private readonly changes: Pick<Changes, 'watch'>) {}

  /** `wake` is called whenever there is something newer. Of one generation all looks are alike: only its account has it. */
  follow<Generation>(generationId: string, look: () => Promise<Generation>, wake: () => void): Following<Generation> {
    const { feed, unwatch } = this.feeds.get(generationId) ?? this.open(generationId, look);
    feed.add(wake);
    return {
      latest: () => feed.latest as Seen<Generation> | undefined,
      leave: () => {
        feed.remove(wake);
        if (feed.isFollowed || this.feeds.get(generationId)?.feed !== feed) return;
        this.feeds.delete(generationId);
        unwatch();
      },
    };
  }

  private open(generationId: string, look: () => Promise<unknown>) {
    const feed = new Feed(look);
    const opened = { feed, unwatch: this.changes.watch(generationId, () => feed.changed()) };
    this.feeds.set(generationId, opened);
    return opened;
  }
}
