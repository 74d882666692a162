import type { VideoRecord } from './lifecycle.ts';

/** Where these fields stand in a box's body, in its version 0 (ISO/IEC 14496-12, 8.2.2 and 8.3.2). */
const MOVIE = { timescale: 12, duration: 16 };
const TRACK = { duration: 20, width: 76, height: 80 };

/**
 * The film, with headers that show the length and size that were ordered, or the length that `[[file:…]]` says. Only the
 * headers change: what is played stays the same three seconds.
 */
export function filmed(film: Buffer, video: Pick<VideoRecord, 'seconds' | 'size' | 'directives'>): Buffer<ArrayBuffer> {
  const bytes = Buffer.from(film);
  const [movieAt, trackAt] = [bodyOf(bytes, 'mvhd'), bodyOf(bytes, 'tkhd')];
  const length_ms = video.directives.file_ms ?? Number(video.seconds) * 1000;
  const units = Math.round((length_ms / 1000) * bytes.readUInt32BE(movieAt + MOVIE.timescale));
  bytes.writeUInt32BE(units, movieAt + MOVIE.duration);
  bytes.writeUInt32BE(units, trackAt + TRACK.duration);
  const [width, height] = video.size.split('x').map(Number);
  // In 16.16 fixed point.
  if (width !== undefined && height !== undefined) {
    bytes.writeUInt32BE(width * 65_536, trackAt + TRACK.width);
    bytes.writeUInt32BE(height * 65_536, trackAt + TRACK.height);
  }
  return bytes;
}

function bodyOf(bytes: Buffer, box: string): number {
  return bytes.indexOf(box, 0, 'latin1') + 4;
}
