import { fileTypeFromBuffer } from 'file-type';
import { NOTHING_SHOWN, type ContentVariant, type VideoFacts } from '../contracts/content.ts';
import { boxes, elements, Walk } from './containers.ts';
import { readVideoFacts } from './videoFacts.ts';

/** The bytes are not the expected content. The message is for operators and quotes none of the bytes. */
export class NotTheContent extends Error {
  override readonly name = 'NotTheContent';
}

/** Checks a content while its bytes arrive, from the first byte on. */
export interface ContentCheck {
  /** Raises `NotTheContent` as soon as it can be known, at the latest after `HEAD_BYTES`. */
  take(chunk: Uint8Array): Promise<void>;
  /** Returns the media type after the last byte. Raises `NotTheContent` also when the end is missing. */
  end(): Promise<string>;
  /** The media type by the first `HEAD_BYTES`; undefined before they arrived. */
  readonly type: string | undefined;
  /** What the whole file shows, after `end`. Nothing of an image, and of a video of another format than MP4 and QuickTime. */
  readonly shows: VideoFacts;
}

/** This many bytes suffice to know the type. */
export const HEAD_BYTES = 4100;

/**
 * Decides by the bytes alone whether they are a complete video (or image, for the other variants): headers may call a
 * gateway's error page a video, and half a file ends as cleanly as a complete one.
 */
export function checkContent(variant: ContentVariant): ContentCheck {
  return variant === 'video' ? new Check(followVideo) : new Check(followImage);
}

/** Follows the bytes of one type; `end` raises unless they are complete. */
interface Follower {
  take(chunk: Uint8Array): void;
  end(): VideoFacts;
}

class Check implements ContentCheck {
  type: string | undefined;
  shows = NOTHING_SHOWN;
  private head = Buffer.alloc(0);
  private follower: Follower | undefined;

  constructor(private readonly follow: (type: string | undefined, head: Buffer) => Follower) {}

  async take(chunk: Uint8Array): Promise<void> {
    if (this.follower !== undefined) {
      this.follower.take(chunk);
      return;
    }
    this.head = Buffer.concat([this.head, chunk]);
    if (this.head.length >= HEAD_BYTES) await this.identify();
  }

  async end(): Promise<string> {
    const { follower, type } = this.follower === undefined ? await this.identify() : this;
    this.shows = follower?.end() ?? NOTHING_SHOWN;
    // `identify` raises where there is no type.
    return type ?? '';
  }

  private async identify(): Promise<this> {
    if (this.head.length === 0) throw new NotTheContent('the content is empty');
    this.type = (await fileTypeFromBuffer(this.head))?.mime;
    this.follower = this.follow(this.type, this.head);
    this.follower.take(this.head);
    return this;
  }
}

function followVideo(type: string | undefined, head: Buffer): Follower {
  if (type?.startsWith('video/') !== true) throw new NotTheContent(`the content is no video but ${named(type)}`);
  // QuickTime is older than its type box.
  if (head.toString('latin1', 4, 8) === 'ftyp' || type === 'video/quicktime')
    return follow(new Walk(boxes, 'moov'), ['moov', 'mdat']);
  if (/^video\/(webm|matroska|x-matroska)$/.test(type)) return follow(new Walk(elements), ['1a45dfa3', '18538067']);
  // Types that are known by their first bytes alone, such as MPEG and AVI: these formats have no end to check.
  return { take: () => undefined, end: () => NOTHING_SHOWN };
}

function follow(walk: Walk, needed: readonly string[]): Follower {
  return {
    take: (chunk) => {
      if (!walk.take(chunk)) throw new NotTheContent('the video is damaged');
    },
    end: () => {
      if (!walk.isComplete || !needed.every((name) => walk.saw(name))) {
        throw new NotTheContent('the video is not complete');
      }
      return walk.kept === undefined ? NOTHING_SHOWN : readVideoFacts(walk.kept);
    },
  };
}

function followImage(type: string | undefined, head: Buffer): Follower {
  const isWhole = IMAGES.get(type ?? '')?.(head);
  if (isWhole === undefined) throw new NotTheContent(`the content is no image but ${named(type)}`);
  let bytes = 0;
  let tail = Buffer.alloc(0);
  return {
    take: (chunk) => {
      bytes += chunk.length;
      tail = Buffer.concat([tail, chunk.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
    },
    end: () => {
      if (!isWhole(tail, bytes)) throw new NotTheContent('the image is not complete');
      return NOTHING_SHOWN;
    },
  };
}

const TAIL_BYTES = 12;
const PNG_END = Buffer.from('0000000049454e44ae426082', 'hex');
const JPEG_END = Buffer.from('ffd9', 'hex');

type ImageEnd = (tail: Buffer, bytes: number) => boolean;
const isPng: ImageEnd = (tail) => tail.equals(PNG_END);

const IMAGES = new Map<string, (head: Buffer) => ImageEnd>([
  ['image/png', () => isPng],
  ['image/apng', () => isPng],
  ['image/jpeg', () => (tail) => tail.subarray(-2).equals(JPEG_END)],
  ['image/webp', (head) => (_tail, bytes) => bytes === riffBytes(head)],
]);

/** RIFF pads to even lengths. */
function riffBytes(head: Buffer): number {
  const size = head.length < 8 ? 0 : head.readUInt32LE(4);
  return 8 + size + (size % 2);
}

function named(type: string | undefined): string {
  return type ?? 'of no known type';
}
