import { randomBytes } from 'node:crypto';
import { ApiError } from '../errors.ts';
import { toWire } from '../lifecycle.ts';
import { createSchema } from '../request.ts';
import type { Dialect } from './dialect.ts';

/** The format's own server, as its API reference and SDK describe it. */
export const openai: Dialect = {
  name: 'openai',
  source: "OpenAI's API reference; openai 6.49.0 (npm): resources/videos.ts",
  // By this a client can tell that its list shows every video, as one server's does.
  headers: () => ({ server: 'holdfast-simulator' }),
  newId: () => `video_${randomBytes(24).toString('hex')}`,
  readId: (named) => named,
  create: { json: true, schema: createSchema },
  tellVideo: (video, now_ms) => ({ status: 200, body: toWire(video, now_ms) }),
  tellError: ({ status, code, param, message }) => {
    const type = status >= 500 ? 'server_error' : status === 429 ? 'requests' : 'invalid_request_error';
    return { status, body: { error: { message, type, param, code } } };
  },
  list: { check: () => undefined, pages: true, afterUnknown: 'error' },
  content: {
    assetOf: (variant = 'video') => {
      if (variant === 'video' || variant === 'thumbnail' || variant === 'spritesheet') return variant;
      throw new ApiError(400, 'invalid_value', `Invalid value for 'variant'.`, 'variant');
    },
    notReady: () => {
      const message = 'This needs a completed video; ask GET /v1/videos/{id} first.';
      return new ApiError(400, 'video_not_ready', message, 'video_id');
    },
  },
  delete: 'ended ones',
  tellDeleted: ({ id }) => ({ id, object: 'video.deleted', deleted: true }),
  remix: true,
  webhooks: true,
};
