import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NOTHING_SHOWN, type VideoFacts } from '../../contracts/content.ts';
import { checkContent } from '../../provider/index.ts';
import { box, film, type Film, FTYP, moov, u32 } from '../harness/support/mp4.ts';

/** What is read from a video's file while its bytes arrive, however they are cut into chunks (MR-75, MR-94, MR-101). */

async function shownBy(file: Buffer, chunkBytes = file.length): Promise<VideoFacts> {
  const check = checkContent('video');
  for (let at = 0; at < file.length; at += chunkBytes) await check.take(file.subarray(at, at + chunkBytes));
  await check.end();
  return check.shows;
}

const join = (...parts: Buffer[]) => Buffer.concat(parts);
const MDAT = box('mdat', Buffer.alloc(5000));
const ALL: VideoFacts = { lengthMs: 8000, frameSize: '720x1280', hasSound: false };
const simulators = readFileSync(new URL('../../dev/simulator/assets/video.mp4', import.meta.url));

describe('a file', () => {
  it.each<[string, Buffer, Partial<VideoFacts>]>([
    ['of the simulator', simulators, { lengthMs: 3000, frameSize: '160x90' }],
    ['with sound', film({ hasSound: true }), { hasSound: true }],
    ['of part of a second', film({ seconds: 5.0625, timescale: 16_000 }), { lengthMs: 5063 }],
    ['with times of 64 bits', film({ isLong: true, hasSound: true }), { hasSound: true }],
    ['that is shown turned', film({ isTurned: true }), { frameSize: '1280x720' }],
    ['with its index at the end', join(FTYP, MDAT, moov({ seconds: 4 })), { lengthMs: 4000 }],
    ['whose index goes to the end', join(FTYP, MDAT, box('moov', moov().subarray(8), 0)), {}],
    ['of QuickTime before it had types', join(box('free', Buffer.alloc(9)), moov(), MDAT), {}],
    ['in fragments, of which nobody told the length', film({ duration: 0n }), { lengthMs: null }],
    [
      'in fragments, of which it tells the length of the first',
      film({ more: box('mvex', Buffer.alloc(8)) }),
      { lengthMs: null },
    ],
    ['with a second index', join(FTYP, moov(), moov({ seconds: 1 }), MDAT), {}],
  ])('%s shows its length, size and sound', async (_what, file, differs) => {
    for (const chunkBytes of [1, 7, 4099, file.length]) {
      expect(await shownBy(file, chunkBytes)).toEqual({ ...ALL, ...differs });
    }
  });
});

/** A box whose header says another size than it has. */
const sized = (name: string, size: bigint) => {
  const header = Buffer.alloc(16);
  header.writeUInt32BE(1);
  header.write(name, 4, 'latin1');
  header.writeBigUInt64BE(size, 8);
  return header;
};
const nested = (name: string, depth: number) => {
  const headers = Array.from({ length: depth }, (_, level) => box(name, Buffer.alloc(0), 8 * (depth - level)));
  return join(...headers);
};
const of = (more: Buffer): Film => ({ more });

describe('a hostile file', () => {
  it.each<[string, Buffer]>([
    ['with an empty index', join(FTYP, box('moov', Buffer.alloc(0)), MDAT)],
    ['whose index ends within a header', film(of(Buffer.alloc(5)))],
    ['with a box in the index of 2^63 bytes', film(of(sized('trak', 2n ** 63n)))],
    ['with a box in the index that is longer than the index', film(of(box('free', Buffer.alloc(9), 900)))],
    ['with a box in the index that is shorter than its header', film(of(box('free', Buffer.alloc(9), 7)))],
    ['with headers that are cut', join(FTYP, box('moov', box('mvhd', Buffer.alloc(8))), MDAT)],
    ['with two lengths', film(of(box('mvhd', Buffer.alloc(100))))],
    ['with tracks in tracks, 10,000 deep', film(of(nested('trak', 10_000)))],
    ['with an index in an index, 10,000 deep', join(FTYP, nested('moov', 10_000), MDAT)],
    ['with an index of five megabytes', film(of(box('free', Buffer.alloc(5_000_000))))],
    ['of sound alone', join(FTYP, box('moov', moov().subarray(8, 116)), MDAT)],
  ])('%s shows nothing', async (_what, file) => {
    expect(await shownBy(file)).toEqual(NOTHING_SHOWN);
  });

  it.each<[string, Film]>([
    ['of the greatest number of units, of which none makes a second', { duration: 2n ** 32n - 1n, timescale: 0 }],
    ['that says that its length is unknown', { duration: 2n ** 32n - 1n }],
    ['that says so in 64 bits', { duration: 2n ** 64n - 1n, isLong: true }],
    ['of more milliseconds than there are numbers', { duration: 2n ** 64n - 2n, timescale: 1, isLong: true }],
  ])('%s shows no length, and its size', async (_what, shows) => {
    expect(await shownBy(film(shows))).toEqual({ ...ALL, lengthMs: null });
  });

  it('with counts that would fill the memory is read as any other, for no count is believed', async () => {
    const table = (name: string, ...numbers: number[]) => box(name, u32(0, ...numbers));
    const samples = [table('stts', 1, 0xffffffff, 1), table('stsz', 7, 0xffffffff), table('ctts', 1, 0xffffffff, 1)];
    const endless = box('minf', box('stbl', join(...samples)));
    expect(await shownBy(film(of(endless)))).toEqual(ALL);
  });

  it('of half a million empty boxes is read at once', async () => {
    const begun = performance.now();
    const boxes = Buffer.alloc(4_000_000, box('free', Buffer.alloc(0)));
    expect(await shownBy(film(of(boxes)), 65_536)).toEqual(ALL);
    expect(performance.now() - begun).toBeLessThan(5000);
  });
});
