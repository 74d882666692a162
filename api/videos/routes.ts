import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { isVideoId, VIDEO_ID } from '../../contracts/ids.ts';
import type { Caller, Generation } from '../../store/index.ts';
import type { ApiDependencies, Env } from '../http/deps.ts';
import { cancelVideo, deleteVideo } from './endVideo.ts';
import { orderClaim } from './claimVideo.ts';
import { createVideo, orderRemix, orderVideo } from './createVideo.ts';
import { downloadContent } from './content.ts';
import { ApiError, notFound } from '../http/errors.ts';
import { EXAMPLE, pageOf } from '../http/examples.ts';
import { payingQuery, Quote, quoteClaim, quoteVideo } from '../generations/quote.ts';
import { noteKnown, readRepeat } from '../generations/repeat.ts';
import type { Order } from '../generations/startGeneration.ts';
import { listOf, listQuery, toList } from '../http/listing.ts';
import { keyed } from '../http/idempotencyKey.ts';
import { newRouter } from '../http/router.ts';
import { bearer, errorResponses, noQuery } from '../http/contract.ts';
import type { StreamDependencies } from '../http/streams.ts';
import { toTimeline } from './timeline.ts';
import { videoEvents } from './videoEvents.ts';
import { toVideo, Video } from './videoObject.ts';
import {
  ClaimVideo,
  CreateVideoForm,
  CreateVideoJson,
  readCreateVideo,
  readRemix,
  RemixVideo,
  toMaximum,
} from './videoRequest.ts';

const id = z
  .string()
  .openapi({ param: { name: 'video_id', in: 'path' }, example: 'video_019a0000000070008000000000000000' });
const params = z.object({ video_id: id });
const video = { description: 'The video.', content: { 'application/json': { schema: Video } } };
const videoOrQuote = {
  description: 'The video; with dry_run, what it would cost.',
  content: { 'application/json': { schema: z.union([Video, Quote]) } },
};

const create = createRoute({
  method: 'post',
  path: '/videos',
  operationId: 'createVideo',
  summary: 'Reserve the price and begin a video',
  security: bearer,
  request: {
    headers: keyed,
    query: payingQuery,
    body: {
      content: { 'multipart/form-data': { schema: CreateVideoForm }, 'application/json': { schema: CreateVideoJson } },
    },
  },
  responses: {
    200: videoOrQuote,
    ...errorResponses(400, 401, 402, 403, 409, 413, 415, 422, 429, 500, 503),
  },
});

const remix = createRoute({
  method: 'post',
  path: '/videos/{video_id}/remix',
  operationId: 'remixVideo',
  summary: 'Reserve the price of the original and begin a video made from it',
  security: bearer,
  request: {
    params,
    headers: keyed,
    query: payingQuery,
    body: { required: true, content: { 'application/json': { schema: RemixVideo } } },
  },
  responses: { 200: videoOrQuote, ...errorResponses(400, 401, 402, 403, 404, 409, 413, 415, 422, 429, 500, 503) },
});

const retrieve = createRoute({
  method: 'get',
  path: '/videos/{video_id}',
  operationId: 'retrieveVideo',
  summary: 'A video, and what became of its credits',
  security: bearer,
  request: { params },
  responses: { 200: video, ...errorResponses(401, 404, 500, 503) },
});

const listVideos = createRoute({
  method: 'get',
  path: '/videos',
  operationId: 'listVideos',
  summary: 'The videos of this account, the newest first',
  security: bearer,
  request: { query: listQuery(VIDEO_ID, 'video_019a0000000070008000000000000000') },
  responses: {
    200: {
      description: 'A page.',
      content: {
        'application/json': { schema: listOf(Video).openapi('VideoList', { example: pageOf(EXAMPLE.video) }) },
      },
    },
    ...errorResponses(400, 401, 500, 503),
  },
});

const cancel = createRoute({
  method: 'post',
  path: '/videos/{video_id}/cancel',
  operationId: 'cancelVideo',
  summary: 'Ask that a video is not made; once the provider has begun, its outcome settles the credits all the same',
  security: bearer,
  request: { params, query: noQuery },
  responses: { 200: video, ...errorResponses(400, 401, 404, 409, 500, 503) },
});

const claim = createRoute({
  method: 'post',
  path: '/videos/{video_id}/claim',
  operationId: 'claimVideo',
  summary: 'Pay, at the old price, for a video that was completed after its credits were refunded',
  security: bearer,
  request: {
    params,
    headers: keyed,
    query: payingQuery,
    body: { content: { 'application/json': { schema: ClaimVideo } } },
  },
  responses: { 200: videoOrQuote, ...errorResponses(400, 401, 402, 403, 404, 409, 413, 415, 422, 429, 500, 503) },
});

const Timeline = z
  .object({
    object: z.literal('list'),
    data: z.array(
      z.object({
        object: z.literal('timeline.step'),
        sequence: z.number().int(),
        at: z.iso.datetime(),
        type: z.string(),
        message: z.string(),
      }),
    ),
  })
  .openapi('Timeline', {
    example: {
      object: 'list',
      data: [
        {
          object: 'timeline.step',
          sequence: 2,
          at: '2026-11-23T06:45:17.900Z',
          type: 'held',
          message: 'Hold of 0.571429 credits placed',
        },
      ],
    },
  });

const timeline = createRoute({
  method: 'get',
  path: '/videos/{video_id}/timeline',
  operationId: 'getVideoTimeline',
  summary: 'Why was I charged? Every step, its time, in words',
  security: bearer,
  request: { params },
  responses: {
    200: { description: 'The steps so far.', content: { 'application/json': { schema: Timeline } } },
    ...errorResponses(401, 404, 500, 503),
  },
});

const events = createRoute({
  method: 'get',
  path: '/videos/{video_id}/events',
  operationId: 'streamVideoEvents',
  summary: 'The video as it changes (server-sent events: progress, then settled); Last-Event-ID goes on',
  security: bearer,
  request: { params, headers: z.object({ 'last-event-id': z.string().optional() }) },
  responses: {
    200: {
      description: 'Events whose data is the video as JSON, until it is settled.',
      // No type: tools disagree whether it would be that of the stream or that of an event.
      content: { 'text/event-stream': { schema: z.unknown(), example: EXAMPLE.videoEvents } },
    },
    204: { description: 'The end was sent before: there is nothing more to come.' },
    ...errorResponses(401, 404, 500, 503),
  },
});

const Deleted = z
  .object({ id: z.string(), object: z.literal('video.deleted'), deleted: z.literal(true) })
  .openapi('DeletedVideo', { example: EXAMPLE.deletedVideo });

const remove = createRoute({
  method: 'delete',
  path: '/videos/{video_id}',
  operationId: 'deleteVideo',
  summary: 'Delete a video that has ended; its charge or refund stands',
  security: bearer,
  request: { params, query: noQuery },
  responses: {
    200: { description: 'It is deleted.', content: { 'application/json': { schema: Deleted } } },
    ...errorResponses(400, 401, 404, 409, 500, 503),
  },
});

const bytes = z.string().openapi({ format: 'binary' });
const contents = Object.fromEntries(
  ['video/mp4', 'image/webp', 'image/jpeg', 'image/png'].map((type) => [type, { schema: bytes }]),
);

const content = createRoute({
  method: 'get',
  path: '/videos/{video_id}/content',
  operationId: 'downloadVideoContent',
  summary: 'The content of a charged video',
  security: bearer,
  request: {
    params,
    query: z.strictObject({ variant: z.enum(['video', 'thumbnail', 'spritesheet']).default('video') }),
  },
  responses: {
    200: {
      description: 'The content, streamed: from the archive, or from the provider until it is there.',
      content: contents,
    },
    206: { description: 'The range that was asked for.', content: contents },
    304: { description: 'It is what the client has already, by its If-None-Match.' },
    416: { description: 'The range lies outside of the content.' },
    ...errorResponses(400, 401, 402, 404, 500, 503),
  },
});

export function videoRoutes(deps: StreamDependencies) {
  /** The video of that id, which its client has just named. */
  const named = async (caller: Caller, videoId: string): Promise<Generation | undefined> => {
    const generation = isVideoId(videoId) ? await deps.store.getGeneration(caller.accountId, videoId) : undefined;
    if (generation !== undefined) await noteKnown(deps, caller, generation);
    return generation;
  };
  const find = async (caller: Caller, videoId: string): Promise<Generation> => {
    const generation = await named(caller, videoId);
    if (generation === undefined) throw notFound('This video');
    return generation;
  };
  const findRemixable = async (caller: Caller, videoId: string): Promise<Generation> => {
    const original = await find(caller, videoId);
    if (original.state === 'held') throw notFinished();
    if (isElsewhere(deps, original)) throw madeElsewhere();
    return original;
  };

  const answer = async (c: Context<Env>, order: Order) => {
    const { status, body, replayed } = await createVideo(deps, c.get('caller'), order, readRepeat(c));
    if (replayed) c.header('idempotency-replayed', 'true');
    // Bodies that were kept are of the same schemas, but known only as JSON.
    return c.json(body as Video, status as 200);
  };

  return newRouter()
    .openapi(create, async (c) => {
      const json = () => c.req.valid('json') as CreateVideoJson;
      const form = () => c.req.valid('form') as CreateVideoForm;
      const request = await readCreateVideo(c.req.header('content-type'), json, form);
      const caller = c.get('caller');
      if (c.req.valid('query').dry_run === 'true') return c.json(await quoteVideo(deps, caller, request), 200);
      return answer(c, orderVideo(deps, caller, request));
    })
    .openapi(remix, async (c) => {
      const caller = c.get('caller');
      const { video_id: originalId } = c.req.valid('param');
      const asked = c.req.valid('json');
      const original = () => findRemixable(caller, originalId);
      if (c.req.valid('query').dry_run === 'true') {
        return c.json(await quoteVideo(deps, caller, readRemix(asked, await original())), 200);
      }
      return answer(c, orderRemix(deps, caller, originalId, asked, original));
    })
    .openapi(listVideos, async (c) => {
      const { limit, order, after = null } = c.req.valid('query');
      const { items, hasMore } = await deps.store.listGenerations(c.get('caller').accountId, { limit, order, after });
      return c.json(toList(items.map(toVideo), hasMore), 200);
    })
    .openapi(cancel, async (c) => {
      const caller = c.get('caller');
      const { id: generationId } = await find(caller, c.req.valid('param').video_id);
      await cancelVideo(deps, generationId);
      return c.json(toVideo(await find(caller, generationId)), 200);
    })
    .openapi(claim, async (c) => {
      const caller = c.get('caller');
      const { video_id: originalId } = c.req.valid('param');
      // Without a body there is no content type, and then none is read.
      const body = c.req.valid('json') as z.output<typeof ClaimVideo> | undefined;
      const original = () => find(caller, originalId);
      const order = orderClaim(deps, caller, originalId, toMaximum(body?.max_credits), original);
      if (c.req.valid('query').dry_run === 'true') {
        return c.json(await quoteClaim(deps, caller, await original(), order), 200);
      }
      return answer(c, order);
    })
    .openapi(remove, async (c) => {
      const generation = await find(c.get('caller'), c.req.valid('param').video_id);
      await deleteVideo(deps, generation);
      return c.json({ id: generation.id, object: 'video.deleted' as const, deleted: true as const }, 200);
    })
    .openapi(retrieve, async (c) => {
      return c.json(toVideo(await find(c.get('caller'), c.req.valid('param').video_id)), 200);
    })
    .openapi(timeline, async (c) => {
      const caller = c.get('caller');
      const { video_id: videoId } = c.req.valid('param');
      await named(caller, videoId);
      // From the events alone: they are there for the owner of a video that was deleted, too.
      const recorded = isVideoId(videoId) ? await deps.store.listEvents(caller.accountId, videoId) : [];
      if (recorded.length === 0) throw notFound('This video');
      const steps = toTimeline(recorded);
      const data = steps.map((step) => ({ object: 'timeline.step' as const, ...step, at: step.at.toISOString() }));
      return c.json({ object: 'list' as const, data }, 200);
    })
    .openapi(events, async (c) => {
      const caller = c.get('caller');
      const { video_id: videoId } = c.req.valid('param');
      return videoEvents(deps, c, await find(caller, videoId), () => find(caller, videoId));
    })
    .openapi(content, async (c) => {
      const generation = await find(c.get('caller'), c.req.valid('param').video_id);
      return downloadContent(deps, generation, c.req.valid('query').variant, c.req.raw);
    });
}

/** Whether it was made at another provider than is configured now. */
function isElsewhere({ provider }: ApiDependencies, original: Generation): boolean {
  return original.provider !== null && original.provider !== provider.name;
}

function notFinished(): ApiError {
  return new ApiError(
    'video_not_ready',
    'This video is not finished yet, so it can’t be remixed. Nothing was held; retrieve it until its status is completed.',
  );
}

function madeElsewhere(): ApiError {
  return new ApiError(
    'invalid_request',
    'video_id: this video was made at a provider that is no longer used, so it can’t be remixed. Nothing was held.',
    { param: 'video_id' },
  );
}
