import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ContentVariant } from '../../contracts/content.ts';
import { checkContent } from '../../provider/index.ts';
import { box, mp4 } from '../harness/support/mp4.ts';

/** What is taken for a whole video or image, by its bytes alone, however they are cut into chunks. */

async function verdict(bytes: Buffer, variant: ContentVariant = 'video', chunkBytes = bytes.length): Promise<string> {
  const check = checkContent(variant);
  try {
    for (let at = 0; at < bytes.length; at += chunkBytes) await check.take(bytes.subarray(at, at + chunkBytes));
    return await check.end();
  } catch (error) {
    return (error as Error).message;
  }
}

const asset = (name: string) => readFileSync(new URL(`../../dev/simulator/assets/${name}`, import.meta.url));
const simulators = asset('video.mp4');
const FTYP = box('ftyp', Buffer.from('isom\0\0\0\0isom'));
const MOOV = box('moov', box('mvhd', Buffer.alloc(8)));
const join = (...parts: Buffer[]) => Buffer.concat(parts);
const large = (name: string, content: Buffer, size = content.length + 16) => {
  const header = Buffer.alloc(16);
  header.writeUInt32BE(1);
  header.write(name, 4, 'latin1');
  header.writeBigUInt64BE(BigInt(size), 8);
  return join(header, content);
};

const EBML = Buffer.from('1a45dfa3874282847765626d', 'hex');
const segment = (bytes: number, said = bytes) => {
  const header = Buffer.from('1853806748000000', 'hex');
  header.writeUInt16BE(0x4000 + said, 4);
  return join(header.subarray(0, 6), Buffer.alloc(bytes, 0xec));
};
const LIVE = Buffer.from('1853806701ffffffffffffff', 'hex');

describe('a whole video', () => {
  it.each<[string, Buffer, string]>([
    ["the simulator's", simulators, 'video/mp4'],
    ['the smallest that tests use', mp4(60), 'video/mp4'],
    ['with its index at the end', join(FTYP, box('mdat', Buffer.alloc(9000)), MOOV), 'video/mp4'],
    ['with a 64-bit size', join(FTYP, MOOV, large('mdat', Buffer.alloc(9000))), 'video/mp4'],
    ['whose last box goes to the end', join(FTYP, MOOV, box('mdat', Buffer.alloc(9000), 0)), 'video/mp4'],
    [
      'of QuickTime',
      join(box('ftyp', Buffer.from('qt  \0\0\0\0qt  ')), MOOV, box('mdat', Buffer.alloc(1))),
      'video/quicktime',
    ],
    [
      'whose last box is its index, to the end',
      join(FTYP, box('mdat', Buffer.alloc(9)), box('moov', MOOV, 0)),
      'video/mp4',
    ],
    ['filled up to the end', join(mp4(9000), box('free', Buffer.alloc(9000), 0)), 'video/mp4'],
    ...['free', 'wide', 'mdat', 'moov'].map((first): [string, Buffer, string] => [
      `of QuickTime before it had types, with ${first} first`,
      join(box(first, Buffer.alloc(9)), MOOV, box('mdat', Buffer.alloc(9000))),
      'video/quicktime',
    ]),
    ['of WebM', join(EBML, segment(900)), 'video/webm'],
    ['of WebM whose length nobody knew', join(EBML, LIVE, Buffer.alloc(9000)), 'video/webm'],
    ['of AVI', join(Buffer.from('RIFF\0\0\0\0AVI LIST'), Buffer.alloc(100)), 'video/vnd.avi'],
  ])('%s is one, in chunks of any size', async (_what, bytes, type) => {
    for (const chunkBytes of [1, 7, 16, 4099, bytes.length]) {
      expect(await verdict(bytes, 'video', chunkBytes)).toBe(type);
    }
  });
});

describe('no whole video', () => {
  it.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'the content is empty'],
    ['JSON', Buffer.from('{"error":{}}'), 'the content is no video but of no known type'],
    ['a page', Buffer.from('<!DOCTYPE html><html></html>'), 'the content is no video but of no known type'],
    ['XML', Buffer.from('<?xml version="1.0"?><Error/>'), 'the content is no video but application/xml'],
    ['an image', asset('thumbnail.webp'), 'the content is no video but image/webp'],
    [
      'a sound',
      join(box('ftyp', Buffer.from('M4A \0\0\0\0M4A ')), MOOV, box('mdat', Buffer.alloc(1))),
      'the content is no video but audio/x-m4a',
    ],
    ['without its index', join(FTYP, box('mdat', Buffer.alloc(9000))), 'the video is not complete'],
    ['without its media', join(FTYP, MOOV), 'the video is not complete'],
    [
      'with a box that is shorter than its header',
      join(FTYP, MOOV, box('mdat', Buffer.alloc(9000), 7)),
      'the video is damaged',
    ],
    [
      'with a size beyond all numbers',
      join(FTYP, MOOV, large('mdat', Buffer.alloc(99), 2 ** 60)),
      'the video is damaged',
    ],
    ['with zeros behind it', join(mp4(9000), Buffer.alloc(100)), 'the video is damaged'],
    ['with a page behind it', join(mp4(9000), Buffer.from('<html>')), 'the video is not complete'],
    [
      'QuickTime before it had types, cut',
      join(MOOV, box('mdat', Buffer.alloc(9000), 9999)),
      'the video is not complete',
    ],
    ['QuickTime before it had types, and no more', box('wide', Buffer.alloc(9000)), 'the video is not complete'],
    ['WebM cut in its segment', join(EBML, segment(800, 900)), 'the video is not complete'],
    ['WebM of a head alone', EBML, 'the video is not complete'],
    [
      'of a million empty boxes',
      join(FTYP, Buffer.concat(Array(100_001).fill(box('free', Buffer.alloc(0))))),
      'the video is damaged',
    ],
  ])('%s: is told, in chunks of any size', async (_what, bytes, message) => {
    for (const chunkBytes of [7, 4099, Math.max(1, bytes.length)]) {
      expect(await verdict(bytes, 'video', chunkBytes)).toBe(message);
    }
  });

  it('is the simulator’s when it is cut anywhere', async () => {
    const verdicts = await Promise.all(
      Array.from({ length: 300 }, (_, n) => verdict(simulators.subarray(0, Math.floor((simulators.length * n) / 300)))),
    );
    expect(verdicts.filter((each) => each.startsWith('video/'))).toEqual([]);
  });

  it('is known by its first bytes: an endless page is not read to its end', async () => {
    const check = checkContent('video');
    await expect(check.take(Buffer.alloc(4100, '<html>'))).rejects.toThrow('no video');
  });
});

describe('an image', () => {
  const png = join(
    Buffer.from('89504e470d0a1a0a0000000d494844520000000100000001080600000000000000', 'hex'),
    box('IDAT', Buffer.alloc(4)),
    Buffer.from('0000000049454e44ae426082', 'hex'),
  );
  it.each<[string, Buffer, string]>([
    ['PNG', png, 'image/png'],
    ['JPEG', asset('spritesheet.jpg'), 'image/jpeg'],
    ['WebP', asset('thumbnail.webp'), 'image/webp'],
  ])('%s is one when it is complete, and none when it is cut', async (_what, bytes, type) => {
    for (const chunkBytes of [7, bytes.length]) {
      expect(await verdict(bytes, 'thumbnail', chunkBytes)).toBe(type);
      expect(await verdict(bytes.subarray(0, -1), 'thumbnail', chunkBytes)).toBe('the image is not complete');
    }
  });

  it.each<[string, Buffer]>([
    ['a video', simulators],
    ['eight bytes of PNG', png.subarray(0, 8)],
    ['JSON', Buffer.from('{}')],
    ['SVG, which can carry programs', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"></svg>')],
  ])('is not %s', async (_what, bytes) => {
    expect(await verdict(bytes, 'thumbnail')).toMatch(/^the content is no image but /);
  });
});
