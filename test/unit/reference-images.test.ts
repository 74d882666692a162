import { describe, expect, it } from 'vitest';
import { CreateVideoForm, readCreateVideo } from '../../api/videos/videoRequest.ts';

/** The first bytes alone tell what a reference image is, however large it is (MR-94). */

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const PNG = hex('89504e470d0a1a0a 0000000d49484452 00000001000000010806000000 1f15c489');
const chunk = (type: string, bytes: number) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes);
  return Buffer.concat([length, Buffer.from(type), Buffer.alloc(bytes + 4)]);
};

/** Repeats or begins with what makes a detector read on. */
const HOSTILE: readonly [string, Buffer][] = [
  ['a PNG of 800,000 chunks', Buffer.concat([PNG, Buffer.alloc(9_000_000, chunk('tEXt', 0))])],
  [
    'a zip of many entries',
    Buffer.alloc(9_000_000, hex('504b0304 14000000 0000 0000000000000000000000000000 0100 0000 61')),
  ],
  [
    'a zip whose first entry does not say where it ends',
    Buffer.concat([
      hex('504b0304 14000800 0000 00000000000000000000000000000000 0100 0000 61'),
      Buffer.alloc(9_000_000),
    ]),
  ],
  ['a gzip of zeros', Buffer.concat([hex('1f8b080000000000'), Buffer.alloc(9_000_000)])],
  ['an ID3 tag in an ID3 tag', Buffer.alloc(9_000_000, hex('49443303000000000000'))],
  [
    'a Matroska file of many elements',
    Buffer.concat([hex('1a45dfa3 01ffffffffffffff'), Buffer.alloc(9_000_000, hex('ec80'))]),
  ],
  [
    'an ASF file of many objects',
    Buffer.concat([
      hex('3026b2758e66cf11a6d900aa0062ce6c ffffffff00000000 000000000102'),
      Buffer.alloc(9_000_000, hex('00000000000000000000000000000000 1800000000000000')),
    ]),
  ],
];

async function read(bytes: Buffer) {
  const form = CreateVideoForm.parse({ prompt: 'x', input_reference: new File([new Uint8Array(bytes)], 'a.png') });
  return readCreateVideo(
    'multipart/form-data',
    () => {
      throw new Error('it is a form');
    },
    () => form,
  );
}

describe('a hostile file', () => {
  it.each(HOSTILE)('%s is told apart in a moment', async (_, bytes) => {
    const before = process.cpuUsage();
    await read(bytes).catch(() => undefined);
    const { user } = process.cpuUsage(before);
    expect(user / 1000).toBeLessThan(250);
  });
});

describe('an image', () => {
  it.each([
    [
      'a PNG whose first chunk is larger than what is looked at',
      'image/png',
      Buffer.concat([PNG, chunk('iCCP', 100_000), chunk('IDAT', 20)]),
    ],
    ['a JPEG', 'image/jpeg', Buffer.concat([hex('ffd8ffe000104a46494600'), Buffer.alloc(100_000)])],
    ['a WebP', 'image/webp', Buffer.concat([Buffer.from('RIFF\0\0\0\0WEBPVP8 '), Buffer.alloc(100_000)])],
  ])('%s is taken for what it is', async (_, contentType, bytes) => {
    expect((await read(bytes)).inputReference).toMatchObject({ contentType });
  });
});
