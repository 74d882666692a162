import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import type { Context } from 'hono';
import type { Env } from '../http/deps.ts';
import { notFound } from '../http/errors.ts';

/** The script, the style and the icon: `dev/build.mjs` makes them from `browser/`, all else is in the pages. */

const TYPES: Readonly<Record<string, string>> = {
  'console.js': 'text/javascript; charset=utf-8',
  'console.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
};

/** Beside this file in `dist/`. Tests run the sources, and use what was built. */
const FOLDER = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/api/console/assets/' : './assets/',
  import.meta.url,
);

interface Asset {
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly compressed: Uint8Array<ArrayBuffer>;
  readonly etag: string;
}

const assets = new Map<string, Promise<Asset>>();

async function read(name: string): Promise<Asset> {
  const plain = new Uint8Array(await readFile(new URL(name, FOLDER)));
  const etag = `"${createHash('sha256').update(plain).digest('base64url')}"`;
  return { plain, compressed: new Uint8Array(gzipSync(plain)), etag };
}

export async function serveAsset(c: Context<Env>): Promise<Response> {
  const name = c.req.param('name') ?? '';
  // Own keys only: what is not listed is never looked for on the disk.
  const type = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
  if (type === undefined) throw notFound('This file', 'The console begins at /.');
  const reading = assets.get(name) ?? read(name);
  assets.set(name, reading);
  const { plain, compressed, etag } = await reading;
  const headers = { 'cache-control': 'no-cache', etag, vary: 'accept-encoding' };
  if (c.req.header('if-none-match') === etag) return c.body(null, 304, headers);
  const takesGzip = /\bgzip\b/.test(c.req.header('accept-encoding') ?? '');
  const encoding: Record<string, string> = takesGzip ? { 'content-encoding': 'gzip' } : {};
  return c.body(takesGzip ? compressed : plain, 200, { ...headers, ...encoding, 'content-type': type });
}
