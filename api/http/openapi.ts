import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Env } from './deps.ts';
import { describeScopes } from './scopes.ts';

export type OpenApiDocument = ReturnType<OpenAPIHono<Env>['getOpenAPI31Document']>;

/** Returns the OpenAPI document of an app's routes, generated from their schemas at the first call. */
export function documentOf(app: OpenAPIHono<Env>): () => OpenApiDocument {
  const { openAPIRegistry: registry } = app;
  registry.registerComponent('securitySchemes', 'bearerAuth', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key of an account.',
  });
  registry.registerComponent('securitySchemes', 'adminAuth', {
    type: 'http',
    scheme: 'bearer',
    description: 'The admin key of this installation.',
  });
  let document: OpenApiDocument | undefined;
  return () => {
    document ??= describeScopes(
      app.getOpenAPI31Document({
        openapi: '3.1.0',
        info: {
          title: 'Holdfast',
          version: '0.1.0',
          description:
            'Paid AI video generation that never charges wrongly, in the wire format of OpenAI’s Videos API.',
        },
        servers: [{ url: '/' }],
      }),
    );
    return document;
  };
}
