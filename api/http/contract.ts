import { z } from '@hono/zod-openapi';
import { type DescribedError, errorResponses } from './errorResponses.ts';
import { EXAMPLE, pageOf } from './examples.ts';
import { listOf } from './listing.ts';

export { errorResponses };

/** What the contracts of routes share: security, parameters, bodies and responses. */

export const bearer = [{ bearerAuth: [] }];
export const adminBearer = [{ adminAuth: [] }];

/** Path parameters are plain strings, because an id of the wrong form is answered 404 and not 400. */
const idParam = (description: string, example: string) => z.string().openapi({ description, example });
export const accountParams = z.object({ account_id: idParam('The id of an account.', EXAMPLE.account.id) });
export const videoParams = z.object({ video_id: idParam('The id of a video.', EXAMPLE.video.id) });
export const generationParams = z.object({
  generation_id: idParam('The id of a video, a script or a thread.', EXAMPLE.video.id),
});
export const endpointParams = z.object({
  endpoint_id: idParam('The id of a webhook endpoint.', EXAMPLE.webhookEndpoint.id),
});

/** The query of a POST or DELETE that takes none: an unknown `dry_run`, for example, is refused and not ignored. */
export const noQuery = z.strictObject({});

/** A strict object that says of `dry_run`, which is elsewhere in other requests, where it belongs in this one. */
export const strictAbout = <Shape extends z.core.$ZodLooseShape>(shape: Shape, whereDryRunBelongs: string) =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys' && issue.keys[0] === 'dry_run' ? whereDryRunBelongs : undefined,
  });

export const jsonContent = <Schema extends z.ZodType>(schema: Schema) => ({ 'application/json': { schema } });

export const jsonBody = <Schema extends z.ZodType>(schema: Schema) => ({
  required: true,
  content: jsonContent(schema),
});

/** A body whose fields are all optional: without one, the request is as with an empty one. */
export const optionalJsonBody = <Schema extends z.ZodType>(schema: Schema) => ({ content: jsonContent(schema) });

export const jsonResponse = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  content: jsonContent(schema),
});

/** The 200 of a list; `name` is the schema's name in the OpenAPI document. */
export const pageResponse = <Item extends z.ZodType>(name: string, item: Item, example: { id: string }) =>
  jsonResponse('A page.', listOf(item).openapi(name, { example: pageOf(example) }));

/** A 200 with this body, and the errors: 401, 500 and 503, which every route with a key can answer, and those named. */
export const responsesWith = <Schema extends z.ZodType>(
  description: string,
  schema: Schema,
  ...errors: DescribedError[]
) => ({
  200: jsonResponse(description, schema),
  ...errorResponses(401, 500, 503, ...errors),
});
