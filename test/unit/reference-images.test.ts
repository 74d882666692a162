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

function formOf(bytes: Buffer) {
  return CreateVideoForm.parse({ prompt: 'x', input_reference: new File([new Uint8Array(bytes)], 'a.png') });
}

async function read(form: CreateVideoForm) {
  return readCreateVideo(
    'multipart/form-data',
    () => {
      throw new Error('it is a form');
    },
    () => form,
  );
}

describe('a hostile file', () => {
  // The detector would read, or unpack, all of these. That it gets their first bytes only is seen by the animated PNG below.
  it.each([
    [
      'a zip whose first entry does not say where it ends',
      Buffer.concat([
        hex('504b0304 14000800 0000 00000000000000000000000000000000 0100 0000 61'),
        Buffer.alloc(9_000_000),
      ]),
    ],
    [
      'a zip whose first entry is packed and does not say where it ends',
      Buffer.concat([
        hex('504b0304 14000800 0800 00000000000000000000000000000000 0100 0000 61'),
        Buffer.alloc(9_000_000),
      ]),
    ],
    ['a gzip of zeros', Buffer.concat([hex('1f8b080000000000'), Buffer.alloc(9_000_000)])],
  ])('%s is refused', async (_, bytes) => {
    await expect(read(formOf(bytes))).rejects.toMatchObject({ code: 'invalid_request' });
  });
});

describe('an image', () => {
  it.each([
    [
      'a PNG whose first chunk is larger than what is looked at',
      'image/png',
      Buffer.concat([PNG, chunk('iCCP', 100_000), chunk('IDAT', 20)]),
    ],
    [
      'a PNG that turns out to be animated behind what is looked at',
      'image/png',
      Buffer.concat([PNG, chunk('iCCP', 100_000), chunk('acTL', 8), chunk('IDAT', 20)]),
    ],
    ['a JPEG', 'image/jpeg', Buffer.concat([hex('ffd8ffe000104a46494600'), Buffer.alloc(100_000)])],
    ['a WebP', 'image/webp', Buffer.concat([Buffer.from('RIFF\0\0\0\0WEBPVP8 '), Buffer.alloc(100_000)])],
  ])('%s is taken for what it is', async (_, contentType, bytes) => {
    expect((await read(formOf(bytes))).inputReference).toMatchObject({ contentType });
  });
});
