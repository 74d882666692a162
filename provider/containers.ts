/** One element of a container file: the length of its header and of its payload; null means all the rest. */
export interface Element {
  readonly name: string;
  readonly headerBytes: number;
  readonly bodyBytes: number | null;
}

/** Reads an element's header: undefined when more bytes are needed, `damaged` when no element begins like this. */
export type ReadHeader = (bytes: Buffer) => Element | 'damaged' | undefined;

/** The longest header of both formats. */
const MAX_HEADER_BYTES = 16;
/** Covers fragmented videos too. */
const MAX_ELEMENTS = 100_000;

/** Walks over the top-level elements of a container file while its bytes arrive. Keeps none of them but one small one. */
export class Walk {
  private readonly seen = new Set<string>();
  private begun = Buffer.alloc(0);
  private elements = 0;
  /** What is left of the current element; null means all the rest. */
  private left: number | null = 0;
  private collected: Collected | undefined;

  /** Keeps the first element called `wanted`, for `kept`. */
  constructor(
    private readonly readHeader: ReadHeader,
    private readonly wanted?: string,
  ) {}

  /** False when the bytes are not such elements. */
  take(chunk: Uint8Array): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.left === null || this.left > 0) {
        const skipped = Math.min(this.left ?? Infinity, chunk.length - at);
        this.collected?.take(chunk.subarray(at, at + skipped));
        if (this.left !== null) this.left -= skipped;
        at += skipped;
        continue;
      }
      this.collected?.end();
      const more = chunk.subarray(at, at + MAX_HEADER_BYTES - this.begun.length);
      const bytes = Buffer.concat([this.begun, more]);
      const element = this.readHeader(bytes);
      if (element === 'damaged' || (element === undefined && bytes.length >= MAX_HEADER_BYTES)) return false;
      if (element === undefined) {
        this.begun = bytes;
        return true;
      }
      if (++this.elements > MAX_ELEMENTS) return false;
      if (this.seen.size < 100) this.seen.add(element.name);
      if (element.name === this.wanted) this.collected ??= new Collected(element.bodyBytes);
      at += element.headerBytes - this.begun.length;
      this.begun = Buffer.alloc(0);
      this.left = element.bodyBytes;
    }
    return true;
  }

  saw(name: string): boolean {
    return this.seen.has(name);
  }

  /** The body of the wanted element; undefined if there was none or it is too large to be kept. */
  get kept(): Buffer | undefined {
    return this.collected?.bytes;
  }

  /** Whether the bytes so far end at an element's end. */
  get isComplete(): boolean {
    return this.begun.length === 0 && (this.left === null || this.left === 0);
  }
}

/** A minute of video has an index of some 50 kB. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;

/** The body of one element, in memory of a fixed size however it is cut into chunks. */
class Collected {
  private readonly buffer: Buffer | undefined;
  private length = 0;
  private isOver = false;

  constructor(bodyBytes: number | null) {
    const bytes = bodyBytes ?? MAX_KEPT_BYTES;
    if (bytes <= MAX_KEPT_BYTES) this.buffer = Buffer.alloc(bytes);
  }

  take(chunk: Uint8Array): void {
    if (this.isOver) return;
    if (this.buffer !== undefined && this.length + chunk.length <= this.buffer.length)
      this.buffer.set(chunk, this.length);
    this.length += chunk.length;
  }

  end(): void {
    this.isOver = true;
  }

  get bytes(): Buffer | undefined {
    if (this.buffer === undefined || this.length > this.buffer.length) return undefined;
    return this.buffer.subarray(0, this.length);
  }
}

/** Boxes of MP4 and QuickTime (ISO/IEC 14496-12, 4.2). */
export const boxes: ReadHeader = (bytes) => {
  if (bytes.length < 8) return undefined;
  const name = bytes.toString('latin1', 4, 8);
  const short = bytes.readUInt32BE(0);
  // The last box may extend to the end of the file; zeros after it are not a box.
  if (short === 0) return /^[\x20-\x7e]{4}$/.test(name) ? { name, headerBytes: 8, bodyBytes: null } : 'damaged';
  if (short === 1 && bytes.length < 16) return undefined;
  const [headerBytes, size] = short === 1 ? [16, Number(bytes.readBigUInt64BE(8))] : [8, short];
  if (size < headerBytes || !Number.isSafeInteger(size)) return 'damaged';
  return { name, headerBytes, bodyBytes: size - headerBytes };
};

/** Elements of WebM and Matroska (RFC 8794, 4 to 6); named by their id in hexadecimal. */
export const elements: ReadHeader = (bytes) => {
  const idBytes = vintBytes(bytes[0]);
  if (idBytes === undefined || bytes.length <= idBytes) return undefined;
  const sizeBytes = vintBytes(bytes[idBytes]);
  if (idBytes > 4 || sizeBytes === undefined || sizeBytes > 8) return 'damaged';
  const headerBytes = idBytes + sizeBytes;
  if (bytes.length < headerBytes) return undefined;
  const name = bytes.toString('hex', 0, idBytes);
  const mask = (1n << BigInt(7 * sizeBytes)) - 1n;
  const size = BigInt(`0x${bytes.toString('hex', idBytes, headerBytes)}`) & mask;
  if (size === mask) return { name, headerBytes, bodyBytes: null };
  return size > Number.MAX_SAFE_INTEGER ? 'damaged' : { name, headerBytes, bodyBytes: Number(size) };
};

/** The length of the number that begins with this byte; 9 when no number does. */
function vintBytes(first: number | undefined): number | undefined {
  return first === undefined ? undefined : Math.clz32(first) - 23;
}
