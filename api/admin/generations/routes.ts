import { createRoute, z } from '@hono/zod-openapi';
import { VIDEO_ID } from '../../../contracts/ids.ts';
import { withMetadata } from '../../generations/labels.ts';
import {
  accountParams,
  adminBearer,
  errorResponses,
  noQuery,
  pageResponse,
  responsesWith,
  videoParams,
} from '../../http/contract.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { EXAMPLE } from '../../http/examples.ts';
import { listQuery, toList } from '../../http/listing.ts';
import { newRouter } from '../../http/router.ts';
import { plainText } from '../../http/schemas.ts';
import { TEXT_EXAMPLE } from '../../texts/examples.ts';
import { requireAccount } from '../accounts/handlers.ts';
import { ADMIN_EXAMPLE } from '../examples.ts';
import { AdminText, AdminVideo, toAdminText, toAdminVideo } from './objects.ts';
import { accountFilter, generationFilters, searchIds, type SearchQuery } from './search.ts';
import { AdminTimeline, getAdminTimeline } from './timeline.ts';

const textId = z.string().openapi({ description: 'The id of a script or thread.', example: TEXT_EXAMPLE.script.id });

const TEXT_KINDS = ['script', 'thread'] as const;

const videoQuery = listQuery(VIDEO_ID, EXAMPLE.video.id).extend({
  ...generationFilters,
  provider_video_id: plainText(1000)
    .optional()
    .openapi({ description: 'The id that the provider gave, in any of its spellings.' }),
});
const textQuery = listQuery(/^(script|thread)_[0-9a-f]{32}$/, TEXT_EXAMPLE.script.id).extend(generationFilters);

const videoPage = {
  200: pageResponse('AdminVideoList', AdminVideo, ADMIN_EXAMPLE.video),
  ...errorResponses(400, 401, 404, 500, 503),
};
const textPage = {
  200: pageResponse('AdminTextList', AdminText, ADMIN_EXAMPLE.text),
  ...errorResponses(400, 401, 404, 500, 503),
};

const searchVideos = createRoute({
  method: 'get',
  path: '/videos',
  operationId: 'searchVideos',
  summary: 'Search the videos of all accounts, the newest first; all filters that are given must match',
  security: adminBearer,
  request: { query: withMetadata(videoQuery.extend(accountFilter)) },
  responses: videoPage,
});

const searchTexts = createRoute({
  method: 'get',
  path: '/texts',
  operationId: 'searchTexts',
  summary: 'Search the scripts and threads of all accounts, the newest first; all filters that are given must match',
  security: adminBearer,
  request: { query: withMetadata(textQuery.extend(accountFilter)) },
  responses: textPage,
});

const listVideos = createRoute({
  method: 'get',
  path: '/accounts/{account_id}/videos',
  operationId: 'listAccountVideos',
  summary: 'List the videos of an account, deleted ones too, the newest first',
  security: adminBearer,
  request: { params: accountParams, query: withMetadata(videoQuery) },
  responses: videoPage,
});

const listTexts = createRoute({
  method: 'get',
  path: '/accounts/{account_id}/texts',
  operationId: 'listAccountTexts',
  summary: 'List the scripts and threads of an account, deleted ones too, the newest first',
  security: adminBearer,
  request: { params: accountParams, query: withMetadata(textQuery) },
  responses: textPage,
});

const videoTimeline = createRoute({
  method: 'get',
  path: '/accounts/{account_id}/videos/{video_id}/timeline',
  operationId: 'getAccountVideoTimeline',
  summary: 'List every step of a video with its data, also those that its owner is not shown',
  security: adminBearer,
  request: { params: accountParams.extend(videoParams.shape), query: noQuery },
  responses: responsesWith('The steps so far.', AdminTimeline, 400, 404),
});

const textTimeline = createRoute({
  method: 'get',
  path: '/accounts/{account_id}/texts/{text_id}/timeline',
  operationId: 'getAccountTextTimeline',
  summary: 'List every step of a script or thread with its data, also those that its owner is not shown',
  security: adminBearer,
  request: { params: accountParams.extend({ text_id: textId }), query: noQuery },
  responses: responsesWith('The steps so far.', AdminTimeline, 400, 404),
});

export function adminGenerationRoutes(deps: ApiDependencies) {
  const videos = async (query: SearchQuery) => {
    const { items, hasMore } = await searchIds(deps, ['video'], query);
    const found = await deps.store.getVideosForOperator(items);
    return toList(
      found.map((video) => toAdminVideo(video, deps.linkToWorkflow)),
      hasMore,
    );
  };
  const texts = async (query: SearchQuery) => {
    const { items, hasMore } = await searchIds(deps, TEXT_KINDS, query);
    const found = await deps.store.getTextsForOperator(items);
    return toList(
      found.map((text) => toAdminText(text, deps.linkToWorkflow)),
      hasMore,
    );
  };
  return newRouter()
    .openapi(searchVideos, async (c) => c.json(await videos(c.req.valid('query')), 200))
    .openapi(searchTexts, async (c) => c.json(await texts(c.req.valid('query')), 200))
    .openapi(listVideos, async (c) => {
      const accountId = await requireAccount(deps, c.req.valid('param').account_id);
      return c.json(await videos({ ...c.req.valid('query'), account_id: accountId }), 200);
    })
    .openapi(listTexts, async (c) => {
      const accountId = await requireAccount(deps, c.req.valid('param').account_id);
      return c.json(await texts({ ...c.req.valid('query'), account_id: accountId }), 200);
    })
    .openapi(videoTimeline, async (c) => {
      const { account_id: accountId, video_id: id } = c.req.valid('param');
      return c.json(await getAdminTimeline(deps, accountId, ['video'], id), 200);
    })
    .openapi(textTimeline, async (c) => {
      const { account_id: accountId, text_id: id } = c.req.valid('param');
      return c.json(await getAdminTimeline(deps, accountId, TEXT_KINDS, id), 200);
    });
}
