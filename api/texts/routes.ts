import { createRoute, z } from '@hono/zod-openapi';
import { TEXT_ID, type TextKind } from '../../contracts/ids.ts';
import { labelledListQuery } from '../generations/labels.ts';
import { payingErrors, payingRequest } from '../generations/payingRequest.ts';
import { Quote } from '../generations/quote.ts';
import { getTimeline, Timeline } from '../generations/timeline.ts';
import {
  bearer,
  errorResponses,
  jsonBody,
  jsonContent,
  noQuery,
  pageResponse,
  responsesWith,
} from '../http/contract.ts';
import { newRouter } from '../http/router.ts';
import type { StreamDependencies } from '../http/streams.ts';
import { createText } from './createText.ts';
import { deleteText } from './deleteText.ts';
import { TEXT_EXAMPLE } from './examples.ts';
import { listTexts } from './listTexts.ts';
import { findNamedText, findOwnedText } from './ownedText.ts';
import { DeletedText, toText, WrittenText } from './textObject.ts';
import { CreateScript, CreateThread } from './textRequest.ts';

/** In operation ids and the names of schemas. */
const NAME = { script: 'Script', thread: 'Thread' };

const paramsOf = (kind: TextKind) =>
  z.object({
    [`${kind}_id`]: z.string().openapi({ description: `The id of a ${kind}.`, example: TEXT_EXAMPLE[kind].id }),
  });

const createOf = (kind: TextKind, schema: typeof CreateScript | typeof CreateThread) =>
  createRoute({
    method: 'post',
    path: `/${kind}s`,
    operationId: `create${NAME[kind]}`,
    summary: `Create a ${kind}: reserve the most that it can cost, write it, and charge its actual cost`,
    description:
      'The price of the longest answer is reserved before the model begins; the tokens that it used are charged, and the rest is given back. A text that fails is not charged.',
    security: bearer,
    request: { ...payingRequest, body: jsonBody(schema) },
    responses: {
      200: {
        description: `The ${kind}; with stream, events: created with the ${kind} as it stands, delta with what was written since, so that created.output and the deltas are the whole output; then completed or failed with the whole ${kind}, or error, with its id. The data of each has the event's name as type. A ${kind} that was cut off ends with completed too, and its status is incomplete. With dry_run, a quote of the most that it can cost.`,
        content: {
          ...jsonContent(z.discriminatedUnion('object', [WrittenText, Quote])),
          'text/event-stream': { schema: z.unknown(), example: TEXT_EXAMPLE.events },
        },
      },
      ...payingErrors(),
    },
  });

const listOf = (kind: TextKind) =>
  createRoute({
    method: 'get',
    path: `/${kind}s`,
    operationId: `list${NAME[kind]}s`,
    summary: `List the ${kind}s of this account, newest first`,
    security: bearer,
    request: { query: labelledListQuery(TEXT_ID[kind], TEXT_EXAMPLE[kind].id) },
    responses: {
      200: pageResponse(`${NAME[kind]}List`, WrittenText, TEXT_EXAMPLE[kind]),
      ...errorResponses(400, 401, 500, 503),
    },
  });

const retrieveOf = (kind: TextKind) =>
  createRoute({
    method: 'get',
    path: `/${kind}s/{${kind}_id}`,
    operationId: `retrieve${NAME[kind]}`,
    summary: `Retrieve a ${kind}, as far as it is written, and the state of its credits`,
    security: bearer,
    request: { params: paramsOf(kind) },
    responses: responsesWith(`The ${kind}.`, WrittenText, 404),
  });

const deleteOf = (kind: TextKind) =>
  createRoute({
    method: 'delete',
    path: `/${kind}s/{${kind}_id}`,
    operationId: `delete${NAME[kind]}`,
    summary: `Delete a finished ${kind}; its charge or refund stands`,
    description: `Deletes what was asked for and what was written, with \`user\` and \`metadata\`. What was charged or refunded for it is kept, and so is its timeline.`,
    security: bearer,
    request: { params: paramsOf(kind), query: noQuery },
    responses: responsesWith(`The ${kind} is deleted.`, DeletedText, 400, 404, {
      409: `The ${kind} is still being written, and its credits are reserved until it ends.`,
    }),
  });

const timelineOf = (kind: TextKind) =>
  createRoute({
    method: 'get',
    path: `/${kind}s/{${kind}_id}/timeline`,
    operationId: `get${NAME[kind]}Timeline`,
    summary: `List every step of a ${kind} in words, with its time: why was I charged?`,
    security: bearer,
    request: { params: paramsOf(kind) },
    responses: responsesWith('The steps so far.', Timeline, 404),
  });

/** Scripts and threads, which differ only in their request and their form. */
export function textRoutes(deps: StreamDependencies) {
  return newRouter()
    .route('/', routesOf(deps, 'script', CreateScript))
    .route('/', routesOf(deps, 'thread', CreateThread));
}

function routesOf(deps: StreamDependencies, kind: TextKind, schema: typeof CreateScript | typeof CreateThread) {
  const idOf = (params: Record<string, string>) => params[`${kind}_id`] ?? '';
  return newRouter()
    .openapi(createOf(kind, schema), (c) =>
      createText(deps, c, c.req.valid('json'), c.req.valid('query').dry_run === 'true'),
    )
    .openapi(listOf(kind), async (c) =>
      c.json(await listTexts(deps, c.get('caller').accountId, kind, c.req.valid('query')), 200),
    )
    .openapi(retrieveOf(kind), async (c) =>
      c.json(toText(await findOwnedText(deps, c.get('caller'), kind, idOf(c.req.valid('param')))), 200),
    )
    .openapi(deleteOf(kind), async (c) => {
      const caller = c.get('caller');
      const text = await findOwnedText(deps, caller, kind, idOf(c.req.valid('param')));
      await deleteText(deps, caller, text);
      return c.json({ id: text.id, object: `${kind}.deleted` as const, deleted: true as const }, 200);
    })
    .openapi(timelineOf(kind), async (c) => {
      const caller = c.get('caller');
      const id = idOf(c.req.valid('param'));
      await findNamedText(deps, caller, kind, id);
      return c.json(await getTimeline(deps, caller.accountId, kind, id), 200);
    });
}
