/** A complete content in the store. */
export interface Stored {
  readonly bytes: number;
  readonly sha256: Buffer;
}

/** Inclusive at both ends, as in HTTP. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface WriteOptions {
  /** The offset of the body's first byte. What earlier writes stored before it is kept. */
  readonly from: number;
  /** The length of the whole content; null when it is unknown. */
  readonly bytes: number | null;
  /** The limit of the whole content: a longer body raises `ContentTooLarge`, and none of it is kept. */
  readonly maximumBytes?: number;
  /** Sees the whole content, including what earlier writes stored. When it raises, the content is neither readable nor kept. */
  readonly check?: ContentInspection;
}

export interface ContentInspection {
  take(chunk: Uint8Array): Promise<void>;
  /** Called after the last byte. */
  end(): Promise<unknown>;
}

/**
 * Where contents are stored. Another kind of store is one more file that implements this. A key is `<group>/<name>`, both of
 * lower-case letters, digits and `_`; any other raises a RangeError.
 */
export interface ContentStore {
  /** How many bytes earlier writes stored under the key; all of them once the content is complete. */
  kept(key: string): Promise<number>;
  /** The length of the content once it is complete, checked and on disk; undefined before. */
  whole(key: string): Promise<number | undefined>;
  /**
   * Appends the body to what is stored, and makes the content readable once it is complete and on disk. When the body raises
   * or ends too early (`IncompleteContent`), the bytes so far are kept for the next write. Of two concurrent writes the later
   * one wins and the other raises.
   */
  write(key: string, body: AsyncIterable<Uint8Array>, options: WriteOptions): Promise<Stored>;
  /** The content or a part of it; undefined unless the content is complete. */
  read(key: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined>;
  /** Removes everything of a group, complete or not. */
  remove(group: string): Promise<void>;
}

/** The body was shorter or longer than announced. */
export class IncompleteContent extends Error {
  override readonly name = 'IncompleteContent';
  constructor(bytes: number, expected: number) {
    super(`the content has ${bytes} bytes, not ${expected}`);
  }
}

/** The body exceeds the longest content that may be stored. */
export class ContentTooLarge extends Error {
  override readonly name = 'ContentTooLarge';
  constructor(maximumBytes: number) {
    super(`the content has more than ${maximumBytes} bytes`);
  }
}
