import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VideoRecord } from './lifecycle.ts';

type Entry = { video: VideoRecord } | { deleted: string } | { counter: string; value: number };

/**
 * The simulator's state: videos in order of creation, and named counters. Every change is appended to one file before
 * the request is answered, so a restart, even after kill -9, finds the same videos and counts.
 */
export class Store {
  readonly #videos = new Map<string, VideoRecord>();
  readonly #counters = new Map<string, number>();
  readonly #journal: string;

  constructor(dir: string) {
    mkdirSync(dir, { recursive: true });
    this.#journal = join(dir, 'journal.jsonl');
    if (existsSync(this.#journal)) this.#load(readFileSync(this.#journal, 'utf8'));
    this.#compact();
  }

  /** All videos, oldest first. */
  videos(): VideoRecord[] {
    return [...this.#videos.values()];
  }

  video(id: string): VideoRecord | undefined {
    return this.#videos.get(id);
  }

  add(video: VideoRecord): void {
    this.#write({ video });
  }

  delete(id: string): void {
    this.#write({ deleted: id });
  }

  count(counter: string): number {
    return this.#counters.get(counter) ?? 0;
  }

  /** Adds one to a counter and returns what it was before. */
  increment(counter: string): number {
    const before = this.count(counter);
    this.#write({ counter, value: before + 1 });
    return before;
  }

  /** The counters below a prefix, without it. */
  countsBelow(prefix: string): Record<string, number> {
    const below = [...this.#counters].filter(([name]) => name.startsWith(prefix));
    return Object.fromEntries(below.map(([name, value]) => [name.slice(prefix.length), value]));
  }

  #write(entry: Entry): void {
    appendFileSync(this.#journal, `${JSON.stringify(entry)}\n`);
    this.#apply(entry);
  }

  #apply(entry: Entry): void {
    if ('video' in entry) this.#videos.set(entry.video.id, entry.video);
    else if ('deleted' in entry) this.#forget(entry.deleted);
    else this.#counters.set(entry.counter, entry.value);
  }

  #forget(id: string): void {
    this.#videos.delete(id);
    for (const name of this.#counters.keys()) if (name.startsWith(`${id}/`)) this.#counters.delete(name);
  }

  /** A partial last line was cut off by a crash before its request was answered, so it is dropped. */
  #load(text: string): void {
    const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
    for (const line of lines) if (line !== '') this.#apply(JSON.parse(line) as Entry);
  }

  #compact(): void {
    const entries: Entry[] = [
      ...this.videos().map((video) => ({ video })),
      ...[...this.#counters].map(([counter, value]) => ({ counter, value })),
    ];
    writeFileSync(`${this.#journal}.new`, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    renameSync(`${this.#journal}.new`, this.#journal);
  }
}
