/** What is in the store under a key, once it is whole. */
export interface Stored {
  readonly bytes: number;
  readonly sha256: Buffer;
}

/** Both ends among them, as in HTTP. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface WriteOptions {
  /** Where the body begins; what earlier writes left before it is kept. */
  readonly from: number;
  /** Of the whole content; null when nobody knows before its end. */
  readonly bytes: number | null;
  /** Of the whole content: a body that goes on beyond raises `ContentTooLarge`, and nothing of it is kept. */
  readonly maximumBytes?: number;
  /** Sees the whole content, what earlier writes left included. What it refuses, by raising, is neither readable nor kept. */
  readonly check?: ContentInspection;
}

export interface ContentInspection {
  take(chunk: Uint8Array): Promise<void>;
  /** Once all was taken. */
  end(): Promise<unknown>;
}

/**
 * Where contents are kept: one small interface, so that another place is one more file. A key is `<group>/<name>`, both of
 * lower-case letters, digits and `_`. Everything else raises a RangeError.
 */
export interface ContentStore {
  /** How many of the first bytes an earlier write left under the key; all of them, once it is whole. */
  kept(key: string): Promise<number>;
  /**
   * Writes the body behind what is kept, and makes the content readable when it is whole and on the disk. When the body
   * raises, or ends too early (`IncompleteContent`), what came is kept for the next write. Of two writes at once the later
   * one wins, and the other raises.
   */
  write(key: string, body: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<Stored>;
  /** The content, or a part of it; undefined unless it is there as a whole. */
  read(key: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined>;
  /** Removes everything of a group, begun or whole. */
  remove(group: string): Promise<void>;
}

/** The body ended before, or after, it should have. */
export class IncompleteContent extends Error {
  override readonly name = 'IncompleteContent';
  constructor(bytes: number, expected: number) {
    super(`the content has ${bytes} bytes, not ${expected}`);
  }
}

/** The body does not end where the longest content that is kept does. */
export class ContentTooLarge extends Error {
  override readonly name = 'ContentTooLarge';
  constructor(maximumBytes: number) {
    super(`the content has more than ${maximumBytes} bytes`);
  }
}
