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

/** Walks over the top-level elements of a container file while its bytes arrive. Keeps none of them. */
export class Walk {
  private readonly seen = new Set<string>();
  private begun = Buffer.alloc(0);
  private elements = 0;
  /** What is left of the current element; null means all the rest. */
  private left: number | null = 0;

  constructor(private readonly readHeader: ReadHeader) {}

  /** False when the bytes are not such elements. */
  take(chunk: Uint8Array): boolean {
    let at = 0;
    while (at < chunk.length && this.left !== null) {
      if (this.left > 0) {
        const skipped = Math.min(this.left, chunk.length - at);
        this.left -= skipped;
        at += skipped;
        continue;
      }
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
      at += element.headerBytes - this.begun.length;
      this.begun = Buffer.alloc(0);
      this.left = element.bodyBytes;
    }
    return true;
  }

  saw(name: string): boolean {
    return this.seen.has(name);
  }

  /** Whether the bytes so far end at an element's end. */
  get isComplete(): boolean {
    return this.begun.length === 0 && (this.left === null || this.left === 0);
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
