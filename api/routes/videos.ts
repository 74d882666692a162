import { createRoute, z } from '@hono/zod-openapi';
import { isVideoId } from '../../contracts/ids.ts';
import type { Generation } from '../../ledger/index.ts';
import type { ApiDependencies } from '../deps.ts';
import { ApiError, notFound } from '../errors.ts';
import { newRouter } from '../router.ts';
import { bearer, errorAnswers } from '../schemas.ts';
import { startVideo } from '../startVideo.ts';
import { toVideo, Video } from '../videoObject.ts';
import { CreateVideoForm, CreateVideoJson, readCreateVideo } from '../videoRequest.ts';

const id = z
  .string()
  .openapi({ param: { name: 'video_id', in: 'path' }, example: 'video_019a0000000070008000000000000000' });
const params = z.object({ video_id: id });
const video = { description: 'The video.', content: { 'application/json': { schema: Video } } };

const create = createRoute({
  method: 'post',
  path: '/videos',
  operationId: 'createVideo',
  summary: 'Reserve the price and begin a video',
  security: bearer,
  request: {
    body: {
      content: { 'multipart/form-data': { schema: CreateVideoForm }, 'application/json': { schema: CreateVideoJson } },
    },
  },
  responses: { 200: video, ...errorAnswers(400, 401, 402, 403, 413, 415, 429, 500, 503) },
});

const retrieve = createRoute({
  method: 'get',
  path: '/videos/{video_id}',
  operationId: 'retrieveVideo',
  summary: 'A video, and what became of its credits',
  security: bearer,
  request: { params },
  responses: { 200: video, ...errorAnswers(401, 404, 500) },
});

const content = createRoute({
  method: 'get',
  path: '/videos/{video_id}/content',
  operationId: 'downloadVideoContent',
  summary: 'The content of a charged video',
  security: bearer,
  request: { params, query: z.object({ variant: z.enum(['video', 'thumbnail', 'spritesheet']).default('video') }) },
  responses: {
    200: {
      description: 'The content, streamed.',
      content: { 'video/mp4': { schema: z.string().openapi({ format: 'binary' }) } },
    },
    206: { description: 'The range that was asked for.' },
    416: { description: 'The range lies outside of the content.' },
    ...errorAnswers(400, 401, 402, 404, 500, 503),
  },
});

export function videoRoutes(deps: ApiDependencies) {
  const find = async (accountId: string, videoId: string): Promise<Generation> => {
    const generation = isVideoId(videoId) ? await deps.ledger.getGeneration(accountId, videoId) : undefined;
    if (generation === undefined) throw notFound('This video');
    return generation;
  };

  return newRouter()
    .openapi(create, async (c) => {
      const request = await readCreateVideo(
        c.req.header('content-type'),
        () => c.req.valid('json') as CreateVideoJson,
        () => c.req.valid('form') as CreateVideoForm,
      );
      const generationId = await startVideo(deps, c.get('caller'), request);
      return c.json(toVideo(await find(c.get('caller').accountId, generationId)), 200);
    })
    .openapi(retrieve, async (c) => {
      const generation = await find(c.get('caller').accountId, c.req.valid('param').video_id);
      return c.json(toVideo(generation), 200);
    })
    .openapi(content, async (c) => {
      const generation = await find(c.get('caller').accountId, c.req.valid('param').video_id);
      return downloadContent(deps, generation, c.req.valid('query').variant, c.req.raw);
    });
}

/** What is passed on of the provider's answer: what describes the bytes, and nothing that describes the provider. */
const PASSED_HEADERS = ['content-type', 'content-length', 'content-range', 'accept-ranges', 'etag', 'last-modified'];

/** Streams the content from the provider, never holding it; only what was charged is served. */
async function downloadContent(
  { provider, log }: ApiDependencies,
  generation: Generation,
  variant: 'video' | 'thumbnail' | 'spritesheet',
  request: Request,
): Promise<Response> {
  if (generation.state === 'held') {
    throw new ApiError(
      'video_not_ready',
      'This video is not finished yet; its credits are reserved. Retrieve it until its status is completed.',
    );
  }
  if (generation.state === 'refunded' || generation.providerVideoId === null) {
    throw new ApiError(
      'not_charged',
      'This video failed and was never charged, so there is no content. Credits have been refunded to your account.',
    );
  }
  const unavailable = new ApiError(
    'temporarily_unavailable',
    'The content could not be fetched just now. The charge for this video stands; try again shortly.',
    {
      headers: { 'retry-after': '5' },
    },
  );
  if (generation.providerBaseUrl !== provider.baseUrl) throw unavailable;
  const range = request.headers.get('range');
  const answer = await provider
    .downloadContent(generation.providerVideoId, {
      variant,
      signal: request.signal,
      ...(range === null ? {} : { range }),
    })
    .catch((error: unknown) => {
      log.warn({ err: error, generationId: generation.id }, 'content could not be fetched');
      throw unavailable;
    });
  if (![200, 206, 416].includes(answer.status) || request.method === 'HEAD') await answer.body?.cancel();
  if (answer.status === 404) throw notFound('The content of this video (the provider keeps it for a limited time)');
  if (![200, 206, 416].includes(answer.status)) throw unavailable;
  const headers = new Headers({ 'cache-control': 'private, no-store' });
  for (const name of PASSED_HEADERS) {
    const value = answer.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return new Response(request.method === 'HEAD' ? null : answer.body, { status: answer.status, headers });
}
