import { createRoute, z } from '@hono/zod-openapi';
import { CONTENT_VARIANTS } from '../../contracts/content.ts';
import { VIDEO_ID } from '../../contracts/ids.ts';
import { labelledListQuery, toLabels } from '../generations/labels.ts';
import { addFilter, refuseTooBroad } from '../generations/tooBroad.ts';
import { payingErrors, payingRequest, toMaximum } from '../generations/payingRequest.ts';
import { Quote } from '../generations/quote.ts';
import { getTimeline, Timeline } from '../generations/timeline.ts';
import {
  bearer,
  errorResponses,
  jsonContent,
  jsonResponse,
  noQuery,
  optionalJsonBody,
  pageResponse,
  responsesWith,
  videoParams,
} from '../http/contract.ts';
import { EXAMPLE } from '../http/examples.ts';
import { toList } from '../http/listing.ts';
import { newRouter } from '../http/router.ts';
import type { StreamDependencies } from '../http/streams.ts';
import { cancelVideo } from './cancelVideo.ts';
import { claimVideo } from './claimVideo.ts';
import { downloadContent } from './content.ts';
import { createVideo } from './createVideo.ts';
import { deleteVideo } from './deleteVideo.ts';
import { findNamed, findOwnedVideo, requireNamed } from './ownedVideo.ts';
import { remixVideo } from './remixVideo.ts';
import { videoEvents } from './videoEvents.ts';
import { DeletedVideo, toVideo, Video } from './videoObject.ts';
import {
  ClaimVideo,
  CreateVideoForm,
  CreateVideoJson,
  readCreateVideo,
  RemixVideo,
  RemixVideoForm,
  requireType,
} from './videoRequest.ts';

const videoOrQuote = jsonResponse('The video; with dry_run, a quote.', z.discriminatedUnion('object', [Video, Quote]));

const create = createRoute({
  method: 'post',
  path: '/videos',
  operationId: 'createVideo',
  summary: 'Create a video: reserve its price and start it',
  description:
    'The price of model, size and length is reserved at once, charged only when the video completes, and given back in every other case: a failure, a moderation block, or no outcome before the hold expires. Send JSON, or a form when a file is the reference image.',
  security: bearer,
  request: {
    ...payingRequest,
    body: { content: { ...jsonContent(CreateVideoJson), 'multipart/form-data': { schema: CreateVideoForm } } },
  },
  responses: { 200: videoOrQuote, ...payingErrors() },
});

const remix = createRoute({
  method: 'post',
  path: '/videos/{video_id}/remix',
  operationId: 'remixVideo',
  summary: 'Remix a video: reserve the price of the original and start a new video made from it',
  description:
    'The price of a video of the original’s model, size and length is reserved, and charged only when the new video completes. The original must be completed and of this account.',
  security: bearer,
  request: {
    params: videoParams,
    ...payingRequest,
    body: { content: { ...jsonContent(RemixVideo), 'multipart/form-data': { schema: RemixVideoForm } } },
  },
  responses: {
    200: videoOrQuote,
    ...payingErrors({ 404: 'No completed video of this account has this id. Nothing was held.' }),
  },
});

const list = createRoute({
  method: 'get',
  path: '/videos',
  operationId: 'listVideos',
  summary: 'List the videos of this account, newest first',
  security: bearer,
  request: { query: labelledListQuery(VIDEO_ID, EXAMPLE.video.id) },
  responses: { 200: pageResponse('VideoList', Video, EXAMPLE.video), ...errorResponses(400, 401, 500, 503) },
});

const cancel = createRoute({
  method: 'post',
  path: '/videos/{video_id}/cancel',
  operationId: 'cancelVideo',
  summary: 'Request that a video is cancelled; once the provider has begun, its outcome still settles the credits',
  description:
    'A video that was not submitted yet is not submitted, and its price is given back. Where the provider can end unfinished work and the operator allows it, the provider is asked to, once; its price is given back when the provider confirms that. Any other video goes on, and is charged only if it completes. The answer is the video as it is: the outcome follows, with `error.code` `cancelled` if it was ended.',
  security: bearer,
  request: { params: videoParams, query: noQuery },
  responses: responsesWith('The video.', Video, 400, 404, { 409: 'The video has ended; there is nothing to cancel.' }),
});

const claim = createRoute({
  method: 'post',
  path: '/videos/{video_id}/claim',
  operationId: 'claimVideo',
  summary: 'Claim a video whose completion was seen after its credits were refunded, and pay its original price',
  description:
    'Answers a new video, which has what the provider completed. The original price is reserved, and charged once that content is kept. A second claim is answered with the same video and costs nothing more.',
  security: bearer,
  request: { params: videoParams, ...payingRequest, body: optionalJsonBody(ClaimVideo) },
  responses: {
    200: videoOrQuote,
    ...payingErrors(404, {
      409: 'The video cannot be claimed, or the first request with this Idempotency-Key is still running. Nothing was held.',
    }),
  },
});

const remove = createRoute({
  method: 'delete',
  path: '/videos/{video_id}',
  operationId: 'deleteVideo',
  summary: 'Delete a finished video; its charge or refund stands',
  description:
    'Deletes its prompt, its content and its reference image. What was charged or refunded for it is kept, and so is its timeline. A video that could still be claimed can’t be claimed any more.',
  security: bearer,
  request: { params: videoParams, query: noQuery },
  responses: responsesWith('The video is deleted.', DeletedVideo, 400, 404, {
    409: 'The video is not finished, and its credits are reserved until it ends.',
  }),
});

const retrieve = createRoute({
  method: 'get',
  path: '/videos/{video_id}',
  operationId: 'retrieveVideo',
  summary: 'Retrieve a video and the state of its credits',
  security: bearer,
  request: { params: videoParams },
  responses: responsesWith('The video.', Video, 404),
});

const timeline = createRoute({
  method: 'get',
  path: '/videos/{video_id}/timeline',
  operationId: 'getVideoTimeline',
  summary: 'List every step of a video in words, with its time: why was I charged?',
  security: bearer,
  request: { params: videoParams },
  responses: responsesWith('The steps so far.', Timeline, 404),
});

const events = createRoute({
  method: 'get',
  path: '/videos/{video_id}/events',
  operationId: 'streamVideoEvents',
  summary: 'Stream a video as it changes (server-sent events: progress, then settled); Last-Event-ID resumes',
  description:
    'The data of each event is the video. The stream ends with the event `settled`; when it ends before that, connect again with `Last-Event-ID`.',
  security: bearer,
  request: {
    params: videoParams,
    headers: z.object({
      'last-event-id': z.string().optional().openapi({ description: 'The id of the last event that was received.' }),
    }),
  },
  responses: {
    200: {
      description: 'Events whose data is the video as JSON, until its credits are settled.',
      // No type: tools disagree on whether it would describe the stream or one event.
      content: { 'text/event-stream': { schema: z.unknown(), example: EXAMPLE.videoEvents } },
    },
    204: { description: 'The last event was sent before; there are no more.' },
    ...errorResponses(401, 404, 500, 503),
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
  summary: 'Download the content of a charged video',
  description: 'Range requests, `If-Range` and `If-None-Match` are honoured. Downloading costs nothing, however often.',
  security: bearer,
  request: {
    params: videoParams,
    query: z.strictObject({
      variant: z.enum(CONTENT_VARIANTS).default('video').openapi({ description: 'What to download.' }),
    }),
  },
  responses: {
    200: {
      description: 'The content, streamed from the archive, or from the provider until it is archived.',
      content: contents,
    },
    206: { description: 'The requested range.', content: contents },
    304: { description: 'The client has this content already, by its If-None-Match.' },
    416: { description: 'The range lies outside the content.' },
    ...errorResponses(
      {
        400: 'The video is not finished, or the variant is unknown.',
        402: 'The video was not charged, so it has no content.',
      },
      401,
      404,
      500,
      503,
    ),
  },
});

export function videoRoutes(deps: StreamDependencies) {
  return newRouter()
    .openapi(create, async (c) => {
      const json = () => c.req.valid('json') as CreateVideoJson;
      const form = () => c.req.valid('form') as CreateVideoForm;
      const request = await readCreateVideo(c.req.header('content-type'), json, form);
      return createVideo(deps, c, request, c.req.valid('query').dry_run === 'true');
    })
    .openapi(remix, (c) => {
      const isDryRun = c.req.valid('query').dry_run === 'true';
      const asked = c.req.valid(requireType(c.req.header('content-type')));
      return remixVideo(deps, c, c.req.valid('param').video_id, asked, isDryRun);
    })
    .openapi(list, async (c) => {
      const { limit, order, after = null, ...labels } = c.req.valid('query');
      const page = { limit, order, after };
      const { accountId } = c.get('caller');
      const listed = deps.store.listGenerations(accountId, page, toLabels(labels));
      const { items, hasMore } = await listed.catch(refuseTooBroad('generations', addFilter('user alone')));
      return c.json(toList(items.map(toVideo), hasMore), 200);
    })
    .openapi(cancel, async (c) => {
      const caller = c.get('caller');
      const { id } = await findOwnedVideo(deps, caller, c.req.valid('param').video_id);
      await cancelVideo(deps, id);
      return c.json(toVideo(await findOwnedVideo(deps, caller, id)), 200);
    })
    .openapi(claim, (c) => {
      // A request without a body has no content type, and then no body is validated.
      const body = c.req.valid('json') as z.output<typeof ClaimVideo> | undefined;
      const isDryRun = c.req.valid('query').dry_run === 'true';
      return claimVideo(deps, c, c.req.valid('param').video_id, toMaximum(body?.max_credits), isDryRun);
    })
    .openapi(remove, async (c) => {
      const generation = await findOwnedVideo(deps, c.get('caller'), c.req.valid('param').video_id);
      await deleteVideo(deps, generation);
      return c.json({ id: generation.id, object: 'video.deleted' as const, deleted: true as const }, 200);
    })
    .openapi(retrieve, async (c) => c.json(toVideo(await requireNamed(deps, c, c.req.valid('param').video_id)), 200))
    .openapi(timeline, async (c) => {
      const { video_id: id } = c.req.valid('param');
      await findNamed(deps, c, id);
      return c.json(await getTimeline(deps, c.get('caller').accountId, 'video', id), 200);
    })
    .openapi(events, async (c) => {
      const { video_id: id } = c.req.valid('param');
      return videoEvents(deps, c, await requireNamed(deps, c, id), () => findOwnedVideo(deps, c.get('caller'), id));
    })
    .openapi(content, async (c) => {
      const generation = await requireNamed(deps, c, c.req.valid('param').video_id);
      return downloadContent(deps, generation, c.req.valid('query').variant, c.req.raw);
    });
}
