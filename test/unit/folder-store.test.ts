import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { platform } from 'node:process';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ContentStore } from '../../outbound/index.ts';
import { createFolderStore, IncompleteContent } from '../../outbound/index.ts';

const KEY = 'video_00/video';
const CONTENT = randomBytes(300_000);

let folder: string;
let store: ContentStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-store-'));
  store = createFolderStore(join(folder, 'archive'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest();

async function* chunks(bytes: Uint8Array, ending?: Error): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 64_000) yield bytes.subarray(at, at + 64_000);
  if (ending !== undefined) throw ending;
}

const read = async (range?: { start: number; end: number }) => {
  const stream = await store.read(KEY, range);
  return stream === undefined ? undefined : buffer(stream);
};
const whole = (bytes = CONTENT) => store.write(KEY, chunks(bytes), { from: 0, bytes: bytes.length });
const cutAt = (length: number) =>
  store.write(KEY, chunks(CONTENT.subarray(0, length), new Error('cut')), { from: 0, bytes: CONTENT.length });
const filesOf = () => readdir(join(folder, 'archive/video_00'));

describe('a content', () => {
  it('is kept with its length and checksum, and read as a whole and in part', async () => {
    expect(await whole()).toEqual({ bytes: CONTENT.length, sha256: sha256(CONTENT) });
    expect(await read()).toEqual(CONTENT);
    expect(await read({ start: 5, end: 9 })).toEqual(CONTENT.subarray(5, 10));
    expect(await filesOf()).toEqual(['video']);
  });

  it('of unknown length is whole when its body ends', async () => {
    expect(await store.write(KEY, chunks(CONTENT), { from: 0, bytes: null })).toMatchObject({ bytes: CONTENT.length });
    expect(await read()).toEqual(CONTENT);
  });

  it('that its check refuses, early or at its end, is neither readable nor kept', async () => {
    const refuse = async () => Promise.reject(new Error('refused'));
    const accept = async () => undefined;
    for (const check of [
      { take: refuse, end: accept },
      { take: accept, end: refuse },
    ]) {
      const writing = store.write(KEY, chunks(CONTENT), { from: 0, bytes: CONTENT.length, check });
      await expect(writing).rejects.toThrow('refused');
      expect(await read()).toBeUndefined();
      expect(await store.kept(KEY)).toBe(0);
    }
  });

  it('that goes on is checked as a whole, what earlier writes left included', async () => {
    await expect(cutAt(128_000)).rejects.toThrow('cut');
    const hash = createHash('sha256');
    let isEnded = false;
    const check = {
      take: async (chunk: Uint8Array) => void hash.update(chunk),
      end: async () => (isEnded = true),
    };
    await store.write(KEY, chunks(CONTENT.subarray(128_000)), { from: 128_000, bytes: CONTENT.length, check });
    expect(hash.digest()).toEqual(sha256(CONTENT));
    expect(isEnded).toBe(true);
  });

  it("is the owner's only", async () => {
    await whole();
    const mode = async (path: string) => ((await stat(join(folder, path))).mode & 0o777).toString(8);
    expect(await mode('archive')).toBe('700');
    expect(await mode('archive/video_00')).toBe('700');
    expect(await mode('archive/video_00/video')).toBe('600');
  });

  it.runIf(platform === 'linux')('leaves no file open when its reader goes away', async () => {
    const openFiles = async () => {
      const links = (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''));
      return (await Promise.all(links)).filter((path) => path.startsWith(folder));
    };
    await whole();
    const stream = await store.read(KEY);
    expect(await openFiles()).toHaveLength(1);
    await stream?.cancel();
    await vi.waitFor(async () => expect(await openFiles()).toEqual([]));
  });

  it('is not there before it is whole', async () => {
    await expect(cutAt(100_000)).rejects.toThrow('cut');
    expect(await read()).toBeUndefined();
    expect(await store.kept('video_01/video')).toBe(0);
  });

  it('is removed also while others of its group are being written', async () => {
    for (let n = 0; n < 100; n += 1) {
      const names = ['video', 'thumbnail', 'spritesheet'];
      const writes = names.map((name) =>
        store.write(`video_${n}/${name}`, chunks(Buffer.alloc(10)), { from: 0, bytes: 10 }).catch(() => undefined),
      );
      await new Promise((resolve) => setTimeout(resolve, n % 4));
      await store.remove(`video_${n}`);
      await Promise.all(writes);
    }
  });

  it('is removed with everything of its group, begun or whole, and may be missing', async () => {
    await whole();
    await store.write('video_00/thumbnail', chunks(CONTENT, new Error('cut')), { from: 0, bytes: null }).catch(() => 0);
    await store.write('video_01/video', chunks(CONTENT), { from: 0, bytes: null });
    await store.remove('video_00');
    await store.remove('video_00');
    expect(await readdir(join(folder, 'archive'))).toEqual(['video_01']);
    expect(await read()).toBeUndefined();
  });
});

describe('a write that was cut', () => {
  it('goes on from what is kept, and comes to the checksum of the whole', async () => {
    await expect(cutAt(100_000)).rejects.toThrow('cut');
    const from = await store.kept(KEY);
    expect(from).toBe(100_000);
    await expect(
      store.write(KEY, chunks(CONTENT.subarray(from, 200_000), new Error('cut again')), { from, bytes: null }),
    ).rejects.toThrow('cut again');
    expect(await store.kept(KEY)).toBe(200_000);
    const stored = await store.write(KEY, chunks(CONTENT.subarray(200_000)), { from: 200_000, bytes: CONTENT.length });
    expect(stored).toEqual({ bytes: CONTENT.length, sha256: sha256(CONTENT) });
    expect(await read()).toEqual(CONTENT);
    expect(await filesOf()).toEqual(['video']);
  });

  it('may begin again with nothing', async () => {
    await expect(cutAt(100_000)).rejects.toThrow('cut');
    const other = randomBytes(1000);
    expect(await whole(other)).toEqual({ bytes: 1000, sha256: sha256(other) });
    expect(await read()).toEqual(other);
    expect(await filesOf()).toEqual(['video']);
  });

  it('that only lacked its end is whole after an empty body', async () => {
    await expect(cutAt(CONTENT.length)).rejects.toThrow('cut');
    const from = await store.kept(KEY);
    expect(await store.write(KEY, chunks(Buffer.alloc(0)), { from, bytes: from })).toMatchObject({ bytes: from });
    expect(await read()).toEqual(CONTENT);
  });

  it('counts as kept when it was whole, but its writer died before it could say so', async () => {
    await whole();
    expect(await store.kept(KEY)).toBe(CONTENT.length);
  });

  it('does not go on behind a hole', async () => {
    await expect(cutAt(100_000)).rejects.toThrow('cut');
    const late = store.write(KEY, chunks(CONTENT.subarray(150_000)), { from: 150_000, bytes: CONTENT.length });
    await expect(late).rejects.toThrow(IncompleteContent);
    expect(await store.kept(KEY)).toBe(100_000);
  });
});

describe('a body of another length than was said', () => {
  it('too short is no whole, and is gone on with', async () => {
    const short = store.write(KEY, chunks(CONTENT.subarray(0, 1000)), { from: 0, bytes: CONTENT.length });
    await expect(short).rejects.toThrow('the content has 1000 bytes, not 300000');
    expect(await read()).toBeUndefined();
    expect(await store.kept(KEY)).toBe(1000);
  });

  it('too long is no whole, and nothing of it is kept', async () => {
    await expect(store.write(KEY, chunks(CONTENT), { from: 0, bytes: 1000 })).rejects.toThrow(IncompleteContent);
    expect(await read()).toBeUndefined();
    expect(await store.kept(KEY)).toBe(0);
  });
});

describe('two writers of one content', () => {
  it('a halted one that wakes up neither writes into its successor’s file nor takes its place', async () => {
    let wake = () => {};
    const awake = new Promise<void>((resolve) => (wake = resolve));
    const halted = store.write(
      KEY,
      (async function* () {
        yield CONTENT.subarray(0, 100_000);
        await awake;
        yield Buffer.alloc(200_000);
      })(),
      { from: 0, bytes: CONTENT.length },
    );
    while ((await store.kept(KEY)) < 100_000) await new Promise((resolve) => setTimeout(resolve, 5));
    await store.write(KEY, chunks(CONTENT.subarray(100_000)), { from: 100_000, bytes: CONTENT.length });
    wake();
    await expect(halted).rejects.toThrow('ENOENT');
    expect(await read()).toEqual(CONTENT);
    expect(await filesOf()).toEqual(['video']);
  });
});

describe('a key', () => {
  it.each([
    '../video',
    'video_00/..',
    '/etc/passwd',
    'video_00',
    'a/b/c',
    'a//b',
    'a/b.part',
    'a/b\0',
    'A/b',
    'a/',
    '',
  ])('that leads elsewhere is refused: %j', async (key) => {
    await writeFile(join(folder, 'video'), 'not yours');
    await expect(async () => store.read(key)).rejects.toThrow(RangeError);
    await expect(async () => store.kept(key)).rejects.toThrow(RangeError);
    await expect(async () => store.write(key, chunks(CONTENT), { from: 0, bytes: null })).rejects.toThrow(RangeError);
    expect(await readFile(join(folder, 'video'), 'utf8')).toBe('not yours');
  });

  it.each(['..', '.', '', 'video_00/video', '/'])('a group that leads elsewhere is not removed: %j', async (group) => {
    await whole();
    await expect(async () => store.remove(group)).rejects.toThrow(RangeError);
    expect(await read()).toEqual(CONTENT);
  });
});
