import { NOTHING_SHOWN, type VideoFacts } from '../contracts/content.ts';
import { boxes } from './containers.ts';

/**
 * Reads what the `moov` box of an MP4 or QuickTime file shows (ISO/IEC 14496-12, 8.2 to 8.4). Anything damaged on the way to
 * it, and a file without a picture track, show nothing.
 *
 * This is ours because the libraries also read the tables of samples, by counts that the file names: with one count changed, an
 * 11 kB file makes mp4box 2.4.1 run out of memory and mediabunny 1.61.0 hang, and either takes the worker with it. Here each
 * byte is read at most once, three levels deep, and no count is believed.
 */
export function readVideoFacts(moov: Buffer): VideoFacts {
  try {
    const movie = childrenOf(moov);
    const header = readMovieHeader(onlyOne(movie, 'mvhd'));
    const tracks = movie.filter(({ name }) => name === 'trak').map(({ body }) => readTrack(body, header));
    const pictures = tracks.filter(({ kind }) => kind === 'vide').sort((a, b) => b.area - a.area)[0];
    if (pictures === undefined) return NOTHING_SHOWN;
    // Of a fragmented file the headers may tell the length of the first fragment alone.
    const isFragmented = movie.some(({ name }) => name === 'mvex');
    return {
      // The pictures' own: sound may go on after them, or begin before.
      lengthMs: isFragmented ? null : (pictures.lengthMs ?? header.lengthMs),
      frameSize: pictures.frameSize,
      hasSound: tracks.some(({ kind }) => kind === 'soun'),
    };
  } catch (error) {
    // Beyond the end of a box there is nothing to read.
    if (error instanceof Damaged || error instanceof RangeError) return NOTHING_SHOWN;
    throw error;
  }
}

class Damaged extends Error {}

interface Box {
  readonly name: string;
  readonly body: Buffer;
}

/** The boxes directly in this one. */
function childrenOf(bytes: Buffer): Box[] {
  const children: Box[] = [];
  for (let at = 0; at < bytes.length;) {
    const header = boxes(bytes.subarray(at, at + 16));
    if (header === undefined || header === 'damaged') throw new Damaged();
    const from = at + header.headerBytes;
    const to = header.bodyBytes === null ? bytes.length : from + header.bodyBytes;
    if (to > bytes.length) throw new Damaged();
    children.push({ name: header.name, body: bytes.subarray(from, to) });
    at = to;
  }
  return children;
}

function onlyOne(children: readonly Box[], name: string): Buffer {
  const [first, second] = children.filter((child) => child.name === name);
  if (first === undefined || second !== undefined) throw new Damaged();
  return first.body;
}

interface MovieHeader {
  /** Units of time in a second. */
  readonly timescale: number;
  readonly lengthMs: number | null;
}

/** Version 1 has times of 64 bits. */
const isLong = (header: Buffer) => header.readUInt8(0) === 1;

function readMovieHeader(mvhd: Buffer): MovieHeader {
  const timescale = mvhd.readUInt32BE(isLong(mvhd) ? 20 : 12);
  return { timescale, lengthMs: readLength(mvhd, isLong(mvhd) ? 24 : 16, timescale) };
}

const UNKNOWN_32 = 2n ** 32n - 1n;
const UNKNOWN_64 = 2n ** 64n - 1n;

/** Null where the header says that it is unknown, and for 0, as in a fragmented file. */
function readLength(header: Buffer, at: number, timescale: number): number | null {
  const units = isLong(header) ? header.readBigUInt64BE(at) : BigInt(header.readUInt32BE(at));
  if (timescale === 0 || units === 0n || units === (isLong(header) ? UNKNOWN_64 : UNKNOWN_32)) return null;
  const lengthMs = Math.round((Number(units) / timescale) * 1000);
  return Number.isSafeInteger(lengthMs) ? lengthMs : null;
}

interface Track {
  /** `vide`, `soun` and others. */
  readonly kind: string;
  readonly lengthMs: number | null;
  readonly frameSize: string | null;
  readonly area: number;
}

function readTrack(trak: Buffer, { timescale }: MovieHeader): Track {
  const children = childrenOf(trak);
  const header = onlyOne(children, 'tkhd');
  const handler = onlyOne(childrenOf(onlyOne(children, 'mdia')), 'hdlr');
  const matrixAt = isLong(header) ? 52 : 40;
  const [width, height] = [matrixAt + 36, matrixAt + 40].map((at) => Math.round(header.readUInt32BE(at) / 65_536));
  // By a quarter, either way: only the two factors beside the diagonal are set.
  const isTurned =
    [0, 16].every((at) => header.readInt32BE(matrixAt + at) === 0) && header.readInt32BE(matrixAt + 4) !== 0;
  const shown = isTurned ? [height, width] : [width, height];
  const area = (width ?? 0) * (height ?? 0);
  return {
    kind: handler.toString('latin1', 8, 12),
    lengthMs: readLength(header, isLong(header) ? 28 : 20, timescale),
    frameSize: area === 0 ? null : shown.join('x'),
    area,
  };
}
