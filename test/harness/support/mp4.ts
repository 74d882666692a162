import { randomBytes } from 'node:crypto';

/** A minimal MP4 of exactly so many bytes, at least 60: whole by its boxes, of which the last is noise. */
export function mp4(bytes: number): Buffer {
  const head = [box('ftyp', Buffer.from('isom\0\0\0\0isom')), box('moov', box('mvhd', Buffer.alloc(8)))];
  const used = Buffer.concat(head).length;
  return Buffer.concat([...head, box('mdat', randomBytes(bytes - used - 8))]);
}

/** One box of an MP4; `size` other than its own is for damaged ones. */
export function box(name: string, content: Buffer, size = content.length + 8): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(size);
  header.write(name, 4, 'latin1');
  return Buffer.concat([header, content]);
}

export interface Film {
  readonly seconds?: number;
  readonly width?: number;
  readonly height?: number;
  readonly hasSound?: boolean;
  /** Units of time in a second. */
  readonly timescale?: number;
  /** In units of time, of movie and pictures. */
  readonly duration?: bigint;
  /** Shown turned by a quarter. */
  readonly isTurned?: boolean;
  /** Headers with times of 64 bits. */
  readonly isLong?: boolean;
  /** More boxes in `moov`. */
  readonly more?: Buffer;
}

/** The `moov` box of a film: what its headers show, and no samples. */
export function moov(film: Film = {}): Buffer {
  const tracks = [
    track('vide', film),
    ...(film.hasSound === true ? [track('soun', { ...film, width: 0, height: 0 })] : []),
  ];
  return box('moov', Buffer.concat([box('mvhd', movieHeader(film)), ...tracks, film.more ?? Buffer.alloc(0)]));
}

/** An MP4 of this length, size and sound, by its headers. */
export function film(shows: Film = {}): Buffer {
  return Buffer.concat([FTYP, moov(shows), box('mdat', randomBytes(5000))]);
}

export const FTYP = box('ftyp', Buffer.from('isom\0\0\0\0isom'));

function movieHeader({ timescale = 1000, ...film }: Film): Buffer {
  return Buffer.concat([...times(film), u32(timescale), time(film, timescale), Buffer.alloc(80)]);
}

function track(
  kind: string,
  { timescale = 1000, width = 720, height = 1280, isTurned = false, ...film }: Film,
): Buffer {
  const one = 65_536;
  const matrix = isTurned ? [0, one, 0, -one, 0, 0, 0, 0, 1 << 30] : [one, 0, 0, 0, one, 0, 0, 0, 1 << 30];
  const header = [...times(film), u32(1, 0), time(film, timescale), Buffer.alloc(16), u32(...matrix)];
  const handler = box('hdlr', Buffer.concat([u32(0, 0), Buffer.from(kind), Buffer.alloc(13)]));
  const tkhd = box('tkhd', Buffer.concat([...header, u32(width * one, height * one)]));
  return box('trak', Buffer.concat([tkhd, box('mdia', handler)]));
}

/** Version and flags, then when it was made and changed. */
function times({ isLong = false }: Film): Buffer[] {
  return [u32(isLong ? 1 << 24 : 0), Buffer.alloc(isLong ? 16 : 8)];
}

function time({ seconds = 8, duration, isLong = false }: Film, timescale: number): Buffer {
  const units = duration ?? BigInt(Math.round(seconds * timescale));
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(units);
  return isLong ? bytes : bytes.subarray(4);
}

export function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, at) => bytes.writeUInt32BE(value >>> 0, 4 * at));
  return bytes;
}
