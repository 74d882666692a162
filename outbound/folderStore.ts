import { createHash, randomUUID, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import type { ByteRange, ContentInspection, ContentStore, Stored, WriteOptions } from './contentStore.ts';
import { ContentTooLarge, IncompleteContent } from './contentStore.ts';

const KEY = /^[a-z0-9_]{1,100}\/[a-z0-9_]{1,100}$/;
const REMOVED_AGAIN = { maxRetries: 10, retryDelay: 5 };
const GROUP = /^[a-z0-9_]{1,100}$/;

/**
 * Stores contents in a folder, with one folder for each group; only the owner can read the files. Each write has a file of its
 * own that begins with a copy of what is stored: a writer that was halted and resumes can't write into its successor's file.
 */
export function createFolderStore(folder: string): ContentStore {
  const root = resolve(folder);
  const pathOf = (key: string) => join(root, matching(KEY, key));
  return {
    kept: async (key) => (await longest(pathOf(key)))?.bytes ?? 0,
    whole: async (key) => sizeOf(pathOf(key)),
    write: (key, body, options) => write(pathOf(key), body, options),
    read: (key, range) => read(pathOf(key), range),
    // A copy that starts now may add its file to the folder while it is emptied: then it is emptied again.
    remove: (group) => rm(join(root, matching(GROUP, group)), { recursive: true, force: true, ...REMOVED_AGAIN }),
  };
}

function matching(pattern: RegExp, name: string): string {
  if (!pattern.test(name)) throw new RangeError('not a key of the store');
  return name;
}

async function write(
  path: string,
  body: AsyncIterable<Uint8Array>,
  { from, bytes: expected, maximumBytes = Infinity, check }: WriteOptions,
): Promise<Stored> {
  await makeFolder(dirname(path));
  const earlier = from === 0 ? undefined : await longest(path);
  const part = `${path}.${randomUUID()}.part`;
  const writer: Writer = { file: await open(part, 'wx', 0o600), hash: createHash('sha256'), check, isRefused: false };
  let bytes = 0;
  try {
    if (from > 0) bytes = await append(writer, kept(earlier?.path, from));
    if (bytes !== from) throw new IncompleteContent(bytes, from);
    await forgetOthers(path, part);
    for await (const chunk of body) {
      if (bytes + chunk.length > maximumBytes) throw new ContentTooLarge(maximumBytes);
      await append(writer, [chunk]);
      bytes += chunk.length;
    }
    if (expected !== null && bytes !== expected) throw new IncompleteContent(bytes, expected);
    await inspect(writer, () => check?.end());
    await writer.file.sync();
  } catch (error) {
    // Bytes that were refused, are too many, or have lost their beginning must not be resumed.
    const isTooLong = error instanceof ContentTooLarge || (expected !== null && bytes > expected);
    const isUseless = writer.isRefused || isTooLong || bytes < from;
    if (isUseless) await rm(part, { force: true });
    throw error;
  } finally {
    await writer.file.close();
  }
  // Fails when a later writer has taken this one's file away.
  await rename(part, path);
  await syncFolder(dirname(path));
  return { bytes, sha256: writer.hash.digest() };
}

interface Writer {
  readonly file: FileHandle;
  readonly hash: Hash;
  readonly check: ContentInspection | undefined;
  isRefused: boolean;
}

async function append(writer: Writer, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<number> {
  const { file, hash, check } = writer;
  let bytes = 0;
  for await (const chunk of chunks) {
    await inspect(writer, () => check?.take(chunk));
    hash.update(chunk);
    await file.appendFile(chunk);
    bytes += chunk.length;
  }
  return bytes;
}

async function inspect(writer: Writer, look: () => Promise<unknown> | undefined): Promise<void> {
  try {
    await look();
  } catch (error) {
    writer.isRefused = true;
    throw error;
  }
}

function kept(path: string | undefined, bytes: number): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  return path === undefined ? [] : (createReadStream(path, { end: bytes - 1 }) as AsyncIterable<Uint8Array>);
}

/** The longest of what earlier writes stored under the key, complete or not. */
async function longest(path: string): Promise<{ path: string; bytes: number } | undefined> {
  const found = await Promise.all(
    [path, ...(await partsOf(path))].map(async (each) => ({ path: each, bytes: (await sizeOf(each)) ?? -1 })),
  );
  return found.filter(({ bytes }) => bytes >= 0).sort((a, b) => b.bytes - a.bytes)[0];
}

async function partsOf(path: string): Promise<string[]> {
  const folder = dirname(path);
  const names = await readdir(folder).catch(unlessMissing([] as string[]));
  return names
    .filter((name) => name.startsWith(`${basename(path)}.`) && name.endsWith('.part'))
    .map((name) => join(folder, name));
}

async function forgetOthers(path: string, mine: string): Promise<void> {
  const others = (await partsOf(path)).filter((part) => part !== mine);
  await Promise.all(others.map((part) => rm(part, { force: true })));
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(unlessMissing(undefined)))?.size;
}

async function read(path: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined> {
  const file = await open(path, 'r').catch(unlessMissing(undefined));
  if (file === undefined) return undefined;
  return Readable.toWeb(file.createReadStream({ ...range })) as ReadableStream<Uint8Array>;
}

async function makeFolder(folder: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (made !== undefined) await syncFolder(dirname(folder));
}

/** A new file name survives a crash of the machine only once its folder is on disk too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unlessMissing<Other>(other: Other): (error: NodeJS.ErrnoException) => Other {
  return (error) => {
    if (error.code === 'ENOENT') return other;
    throw error;
  };
}
