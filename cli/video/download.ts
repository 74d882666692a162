import { rmSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import type { Cli } from '../command.ts';
import { Failure, reasonOf } from '../failure.ts';
import type { Api } from '../http/api.ts';
import { NotReachable } from '../http/refusal.ts';
import type { Video } from '../objects.ts';
import type { Target } from './target.ts';

/** A connection that breaks this often without a byte more has no point. */
const MOST_BREAKS = 5;

/** Writes the content to the target, whole or not at all; returns its size. Raises `Failure`, which says how to get it later. */
export async function download({ api, world }: Cli, { id }: Video, target: Target): Promise<number> {
  const { path, temporary = path } = target;
  const clear = () => {
    if (target.temporary !== undefined) rmSync(target.temporary, { force: true });
    return `Stopped. The video is charged and kept: holdfast watch ${id} --out FILE`;
  };
  world.whenStopped = clear;
  let file: FileHandle | undefined;
  try {
    file = await open(temporary, 'w');
    const bytes = await new Transfer(api, `/v1/videos/${id}/content`, file).run();
    // Before the name says that it is whole.
    if (target.temporary !== undefined) await file.sync();
    await file.close();
    file = undefined;
    if (target.temporary !== undefined) await rename(target.temporary, path);
    return bytes;
  } catch (error) {
    await file?.close().catch(() => undefined);
    if (target.temporary !== undefined) await rm(target.temporary, { force: true });
    const later = `The video is charged and kept: holdfast watch ${id} --out FILE`;
    if (error instanceof NotReachable) throw new NotReachable(`${error.message} ${later}`);
    if (error instanceof Failure) throw new Failure(`${error.message} ${later}`, error.exitCode);
    throw new Failure(`${path} could not be written: ${reasonOf(error)}. ${later}`);
  } finally {
    world.whenStopped = () => undefined;
  }
}

/** A copy of a content that goes on by `Range` where its connection broke. */
class Transfer {
  private received = 0;
  private breaks = 0;
  private etag: string | undefined;

  constructor(
    private readonly api: Api,
    private readonly path: string,
    private readonly file: FileHandle,
  ) {}

  async run(): Promise<number> {
    for (;;) {
      const answer = await this.api.open({ path: this.path, headers: this.range() });
      if (this.received > 0 && answer.status !== 206) await this.beginAgain();
      this.etag = answer.headers.get('etag') ?? undefined;
      const length = Number(answer.headers.get('content-length') ?? NaN);
      const wanted = Number.isNaN(length) ? undefined : this.received + length;
      const isEnded = await this.copy(answer);
      if (isEnded && (wanted === undefined || this.received === wanted)) return this.received;
    }
  }

  /** Only of the very same content: without a tag that can't be known. */
  private range(): Record<string, string> {
    if (this.received === 0 || this.etag === undefined) return {};
    return { range: `bytes=${this.received}-`, 'if-range': this.etag };
  }

  private async beginAgain(): Promise<void> {
    await this.file.truncate(0);
    this.received = 0;
  }

  /** Whether the body came to its end. Raises what the file says, and `NotReachable` after too many breaks. */
  private async copy(answer: Response): Promise<boolean> {
    if (answer.body === null) return true;
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    try {
      for (;;) {
        const part = await reader.read().catch(() => undefined);
        if (part === undefined) {
          if (++this.breaks > MOST_BREAKS) throw new NotReachable('The download breaks off again and again.');
          return false;
        }
        if (part.done) return true;
        await this.file.appendFile(part.value);
        this.received += part.value.length;
        this.breaks = 0;
      }
    } finally {
      // A connection that is still open would keep the process from ending.
      await reader.cancel().catch(() => undefined);
    }
  }
}
