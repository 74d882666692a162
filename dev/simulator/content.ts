import { readFileSync } from 'node:fs';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Context } from 'hono';
import { ApiError, type Env } from './errors.ts';
import { endure, suffer } from './faults.ts';
import { filmed } from './filmed.ts';
import { expiresAt, phaseOf, type VideoRecord } from './lifecycle.ts';
import type { Simulation } from './simulation.ts';

interface Asset {
  type: string;
  bytes: Buffer<ArrayBuffer>;
}

const ASSETS = {
  video: asset('video.mp4', 'video/mp4'),
  thumbnail: asset('thumbnail.webp', 'image/webp'),
  spritesheet: asset('spritesheet.jpg', 'image/jpeg'),
};

/** Serves a completed video's bytes, or its thumbnail or spritesheet, whole or by Range. */
export async function serveContent(c: Context<Env>, simulation: Simulation, video: VideoRecord): Promise<Response> {
  const name = simulation.dialect.content.assetOf(c.req.query('variant'));
  const asset = ASSETS[name];
  const now_ms = simulation.now();
  if (now_ms / 1000 >= expiresAt(phaseOf(video, now_ms))) {
    throw new ApiError(404, 'not_found', 'The content of this video has expired.', 'video_id');
  }
  const suffering = suffer(simulation.store, video.id, video.directives, 'content');
  const suffered = await endure(c, suffering, video.directives);
  if (suffered !== undefined) return suffered;
  const wanted = name === 'video' ? { ...asset, bytes: filmed(asset.bytes, video) } : asset;
  return suffering.fault?.effect === 'cut' ? cut(c, wanted) : answer(c, wanted);
}

function answer(c: Context<Env>, { type, bytes }: Asset): Response {
  c.header('content-type', type);
  c.header('accept-ranges', 'bytes');
  const range = rangeOf(c.req.header('range'), bytes.length);
  if (range === null) return c.body(bytes, 200, { 'content-length': String(bytes.length) });
  if (range.first > range.last) {
    c.header('content-range', `bytes */${bytes.length}`);
    return c.body(null, 416);
  }
  c.header('content-range', `bytes ${range.first}-${range.last}/${bytes.length}`);
  const part = bytes.subarray(range.first, range.last + 1);
  return c.body(part, 206, { 'content-length': String(part.length) });
}

/** The requested range; null without one, or for a form that may be ignored; empty (first > last) if unsatisfiable. */
function rangeOf(header: string | undefined, size: number): { first: number; last: number } | null {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (from === undefined || to === undefined || (from === '' && to === '')) return null;
  if (from === '') return { first: to === '0' ? size : Math.max(0, size - Number(to)), last: size - 1 };
  if (to !== '' && Number(to) < Number(from)) return null;
  return { first: Number(from), last: to === '' ? size - 1 : Math.min(Number(to), size - 1) };
}

/** Announces the full length, sends half of it, and cuts the connection. */
function cut(c: Context<Env>, { type, bytes }: Asset): Response {
  const { outgoing } = c.env;
  outgoing.writeHead(200, { 'content-type': type, 'content-length': bytes.length });
  outgoing.write(bytes.subarray(0, bytes.length / 2), () => outgoing.destroy());
  return RESPONSE_ALREADY_SENT;
}

function asset(name: string, type: string): Asset {
  return { type, bytes: readFileSync(new URL(`./assets/${name}`, import.meta.url)) };
}
