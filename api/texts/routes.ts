import { createRoute, z } from '@hono/zod-openapi';
import { TEXT_ID, type TextKind } from '../../contracts/ids.ts';
import type { Caller } from '../../store/index.ts';
import { payingErrors, payingRequest } from '../generations/payingRequest.ts';
import { Quote } from '../generations/quote.ts';
import { noteKnown } from '../generations/repeat.ts';
import { bearer, jsonBody, jsonContent, responsesWith } from '../http/contract.ts';
import { notFound } from '../http/errors.ts';
import { EXAMPLE } from '../http/examples.ts';
import { newRouter } from '../http/router.ts';
import type { StreamDependencies } from '../http/streams.ts';
import { createText } from './createText.ts';
import { toText, WrittenText } from './textObject.ts';
import { CreateScript, CreateThread } from './textRequest.ts';

const createOf = <Schema extends z.ZodType>(kind: TextKind, schema: Schema) =>
  createRoute({
    method: 'post',
    path: `/${kind}s`,
    operationId: kind === 'script' ? 'createScript' : 'createThread',
    summary: `Create a ${kind}: reserve the most that it can cost, write it, and charge its actual cost`,
    description:
      'The price of the longest answer is reserved before the model begins; the tokens that it used are charged, and the rest is given back. A text that fails is not charged.',
    security: bearer,
    request: { ...payingRequest, body: jsonBody(schema) },
    responses: {
      200: {
        description: `The ${kind}; with stream, events: delta as it is written, then completed or failed with the ${kind}, or error. With dry_run, a quote of the most that it can cost.`,
        content: {
          ...jsonContent(z.discriminatedUnion('object', [WrittenText, Quote])),
          'text/event-stream': { schema: z.unknown(), example: EXAMPLE.textEvents },
        },
      },
      ...payingErrors(),
    },
  });

const retrieveOf = (kind: TextKind) =>
  createRoute({
    method: 'get',
    path: `/${kind}s/{${kind}_id}`,
    operationId: kind === 'script' ? 'retrieveScript' : 'retrieveThread',
    summary: `Retrieve a ${kind}, as far as it is written, and the state of its credits`,
    security: bearer,
    request: {
      params: z.object({
        [`${kind}_id`]: z
          .string()
          .openapi({ description: `The id of a ${kind}.`, example: `${kind}_019a0000000070008000000000000000` }),
      }),
    },
    responses: responsesWith(`The ${kind}.`, WrittenText, 404),
  });

/** Scripts and threads, which differ only in their request and their form. */
export function textRoutes(deps: StreamDependencies) {
  return newRouter()
    .openapi(createOf('script', CreateScript), (c) =>
      createText(deps, c, c.req.valid('json'), c.req.valid('query').dry_run === 'true'),
    )
    .openapi(createOf('thread', CreateThread), (c) =>
      createText(deps, c, c.req.valid('json'), c.req.valid('query').dry_run === 'true'),
    )
    .openapi(retrieveOf('script'), async (c) =>
      c.json(await retrieveText(deps, c.get('caller'), 'script', c.req.param('script_id')), 200),
    )
    .openapi(retrieveOf('thread'), async (c) =>
      c.json(await retrieveText(deps, c.get('caller'), 'thread', c.req.param('thread_id')), 200),
    );
}

async function retrieveText(
  deps: StreamDependencies,
  caller: Caller,
  kind: TextKind,
  id: string,
): Promise<WrittenText> {
  const text = TEXT_ID[kind].test(id) ? await deps.store.getText(caller.accountId, id) : undefined;
  if (text === undefined) throw notFound(`This ${kind}`);
  await noteKnown(deps, caller, text);
  return toText(text);
}
