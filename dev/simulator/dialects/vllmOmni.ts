import { randomBytes } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { MODERATION_FAILURE, type Failure } from '../directives.ts';
import { ApiError } from '../errors.ts';
import { toWire } from '../lifecycle.ts';
import { engineSchema } from '../request.ts';
import type { Dialect } from './dialect.ts';
import { openai } from './openai.ts';

/**
 * An engine that reads forms only. A failed video is answered with an error's status and the video as the body, and its code is that
 * status. DELETE takes every video: it aborts the work on one that is being made. (While an abort lasts it is 409: `[[delete:409]]`.)
 */
export const vllmOmni: Dialect = {
  ...openai,
  name: 'vllm-omni',
  source: 'vllm-omni 0.30.0: entrypoints/openai/api_server.py, protocol/videos.py, video/generation/helpers.py',
  headers: () => ({ server: 'uvicorn' }),
  newId: () => `video_gen_${randomBytes(16).toString('hex')}`,
  create: { json: false, schema: engineSchema },
  tellVideo: (video, now_ms, toldIn) => {
    const { error, ...body } = toWire(video, now_ms);
    const extra = { quality: 'default', media_type: 'video/mp4', fps: 24, duration_s: Number(video.seconds) };
    const failed = body['status'] === 'failed' ? statusOf(video.failure) : undefined;
    const told = failed === undefined ? null : { code: failed, message: video.failure?.message ?? '' };
    return {
      status: toldIn === 'retrieve' ? (failed ?? 200) : 200,
      body: { ...body, ...extra, error: told ?? error },
    };
  },
  tellError: ({ status, message }) => ({
    status,
    body: { error: { message, type: STATUS_CODES[status], param: null, code: status } },
  }),
  list: { ...openai.list, afterUnknown: 'nothing' },
  content: {
    assetOf: () => 'video',
    notReady: ({ terminal }) =>
      terminal
        ? new ApiError(422, null, 'Video generation failed. Check job status for error details.')
        : new ApiError(404, null, 'Generation is still in-progress'),
  },
  delete: 'all, and aborts',
  remix: false,
  webhooks: false,
};

/** The status of a failure that has none of its own is 500; that of a refused prompt is the client's. */
function statusOf(failure: Failure | null): number {
  if (failure?.code === MODERATION_FAILURE.code) return 400;
  const code = Number(failure?.code);
  return code >= 400 && code < 600 ? code : 500;
}
