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
