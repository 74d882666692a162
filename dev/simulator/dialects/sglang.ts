import { randomUUID } from 'node:crypto';
import { ApiError } from '../errors.ts';
import { toWire, type VideoRecord } from '../lifecycle.ts';
import { engineSchema } from '../request.ts';
import type { Dialect } from './dialect.ts';
import { tellDetail } from './fastApi.ts';
import { openai } from './openai.ts';

/**
 * An engine that shows no prompts, tells no code of a failure, and counts the outputs of a request as variants. DELETE takes every
 * video and forgets it, though it works on.
 */
export const sglang: Dialect = {
  ...openai,
  name: 'sglang',
  source: 'sglang 0.5.23: multimodal_gen/runtime/entrypoints/openai/video_api.py, protocol.py, stores.py',
  headers: () => ({ server: 'uvicorn' }),
  newId: () => randomUUID(),
  create: { json: true, schema: engineSchema },
  tellVideo: (video, now_ms) => ({ status: 200, body: told(video, now_ms) }),
  tellError: tellDetail,
  list: { ...openai.list, afterUnknown: 'nothing' },
  content: {
    assetOf: (variant = '0') => {
      if (/^[+-]?0+$/.test(variant)) return 'video';
      throw new ApiError(404, null, `Video variant ${variant} not found`);
    },
    notReady: ({ terminal }) =>
      new ApiError(404, null, terminal ? 'Video variant None not found' : 'Generation is still in-progress'),
  },
  delete: 'all, and works on',
  tellDeleted: (video, now_ms) => ({ ...told(video, now_ms), status: 'deleted' }),
  remix: false,
  webhooks: false,
};

function told(video: VideoRecord, now_ms: number): Record<string, unknown> {
  const { prompt: _, ...body } = toWire(video, now_ms);
  const error = body['status'] === 'failed' ? { message: video.failure?.message ?? '' } : null;
  return { ...body, quality: 'standard', url: null, urls: null, expires_at: null, error };
}
