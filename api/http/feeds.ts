import type { Changes } from '../../store/index.ts';

/** This often the generation is read even without a change, so that proxies do not close the stream as idle. */
const REFRESH_INTERVAL_MS = 15_000;
/** A new follower causes another read unless the last one is younger than this. */
const FRESH_FOR_MS = 1000;

/** The result of a read; an error goes to every follower. */
type Seen<Generation> = { readonly generation: Generation } | { readonly error: unknown };

/** A generation that is followed: it is read after each change and every 15 s, once for all followers. */
class Feed<Generation> {
  latest: Seen<Generation> | undefined;
  private readonly followers = new Set<() => void>();
  private readonly timer = setInterval(() => this.changed(), REFRESH_INTERVAL_MS);
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

  /** A change during a read causes another read. */
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
  /** The result of the latest read; undefined before the first. */
  readonly latest: () => Seen<Generation> | undefined;
  readonly leave: () => void;
}

/** The generations that are followed in this process, each read once per change, however many clients follow it. */
export class Feeds {
  private readonly feeds = new Map<string, { feed: Feed<unknown>; unwatch: () => void }>();

  constructor(private readonly changes: Pick<Changes, 'watch'>) {}

  /** Calls `wake` after each read. Followers share `look`, because only the account of a generation may follow it. */
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
