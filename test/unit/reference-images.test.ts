import { describe, expect, it } from 'vitest';
import { CreateVideoForm, CreateVideoJson, readCreateVideo } from '../../api/videos/videoRequest.ts';

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
    expect((await read(formOf(bytes))).images).toMatchObject([{ contentType }]);
  });
});

describe('a list of images', () => {
  const [one, two] = [PNG, Buffer.concat([PNG, chunk('IDAT', 20)])];
  const file = (bytes: Buffer) => new File([new Uint8Array(bytes)], '../a.png');
  const url = (bytes: Buffer) => `data:image/png;base64,${bytes.toString('base64')}`;
  const item = (bytes: Buffer, more: object = {}) => ({ type: 'image_url', image_url: { url: url(bytes) }, ...more });
  const [FIRST, LAST] = [{ frame_type: 'first_frame' }, { frame_type: 'last_frame' }];
  const frames = [item(one, FIRST), item(two, LAST)];
  const fromJson = async (body: object) =>
    readCreateVideo(
      'application/json',
      () => CreateVideoJson.parse({ prompt: 'x', ...body }),
      () => {
        throw new Error('it is JSON');
      },
    );
  const fromForm = async (body: object) => read(CreateVideoForm.parse({ prompt: 'x', ...body }));

  it('is the same in JSON and in each way of a form, the first frame first, by its bytes and its place', async () => {
    const ways = await Promise.all([
      fromJson({ frame_images: frames }),
      fromJson({ frame_images: frames.toReversed() }),
      fromForm({ frame_images: JSON.stringify(frames) }),
      fromForm({ frame_images: [file(one), file(two)] }),
      fromForm({ 'frame_images[]': [file(one), file(two)] }),
      fromForm({
        'frame_images[][image_url][url]': [url(two), file(one)],
        'frame_images[][frame_type]': ['last_frame', 'first_frame'],
      }),
    ]);
    for (const { images, parameters } of ways) {
      expect(images.map(({ bytes, role }) => [role, Buffer.from(bytes)])).toEqual([
        ['first_frame', one],
        ['last_frame', two],
      ]);
      expect(images.map(({ filename }) => filename)).toEqual(['first_frame.png', 'last_frame.png']);
      expect(parameters).toEqual({ frame_images: 2 });
    }
    const references = await Promise.all([
      fromJson({ input_references: [item(one)] }),
      fromForm({ input_references: file(one) }),
    ]);
    for (const { images, parameters } of references) {
      expect(images).toMatchObject([{ role: 'reference', contentType: 'image/png' }]);
      expect(parameters).toEqual({ input_references: 1 });
    }
  });

  // MR-89
  it.each<[what: string, list: object]>([
    ['an address inside', { input_references: [{ image_url: { url: 'http://169.254.169.254/latest' } }] }],
    ['an address outside', { input_references: [{ image_url: { url: 'https://example.com/a.png' } }] }],
    [
      'an address with an image behind it',
      { input_references: [{ image_url: { url: `https://example.com/,${one.toString('base64')}` } }] },
    ],
    ['a path', { input_references: [{ image_url: { url: '/etc/passwd' } }] }],
    ['a file that is named', { input_references: [{ image_url: { url: url(one) }, file_id: 'file_1' }] }],
    ['text alone', { frame_images: 'http://localhost/a.png' }],
    ['a number', { frame_images: 2 }],
    ['none', { input_references: [] }],
    ['nine', { input_references: Array.from({ length: 9 }, () => item(one)) }],
    ['three frames', { frame_images: [...frames, item(one, LAST)] }],
    ['two first frames', { frame_images: [item(one, FIRST), item(two, FIRST)] }],
    ['a last frame alone', { frame_images: [item(two, LAST)] }],
    ['frames beside references', { frame_images: frames, input_references: [item(one)] }],
    ['references beside a reference', { input_reference: { image_url: url(one) }, input_references: [item(one)] }],
    ['what is no image', { input_references: [item(Buffer.from('<svg/>'))] }],
  ])('is refused for %s, in JSON and in a form', async (_what, list) => {
    await expect(fromJson(list)).rejects.toThrow();
    const fields = Object.entries(list).flatMap(([name, value]) =>
      name === 'input_reference'
        ? [['input_reference[image_url]', url(one)]]
        : [[name, typeof value === 'string' ? value : JSON.stringify(value)]],
    );
    await expect(fromForm(Object.fromEntries(fields) as object)).rejects.toThrow();
  });

  // MR-94
  it('has 10 MB for all of them together', async () => {
    const large = Buffer.concat([PNG, Buffer.alloc(6 * 1024 * 1024)]);
    await expect(fromForm({ input_references: [file(large), file(large)] })).rejects.toMatchObject({
      code: 'body_too_large',
    });
    await expect(fromForm({ input_references: [file(large)] })).resolves.toMatchObject({ images: [{}] });
  });
});
