import { readFileSync } from 'node:fs';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Env } from './deps.ts';
import { allowNulls } from './nullable.ts';
import { describeOperation, type Operation } from './operations.ts';
import { describeTags, tagOf } from './tags.ts';

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
  return () => (document ??= describe(app));
}

/** The types know the licence object of OpenAPI 3.0 only, which has no `identifier`. */
const LICENSE = { name: 'Apache 2.0', identifier: 'Apache-2.0' };

function describe(app: OpenAPIHono<Env>): OpenApiDocument {
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Holdfast',
      version: versionOfPackage(),
      description: 'Paid AI video generation that never charges wrongly, in the wire format of OpenAI’s Videos API.',
      license: LICENSE,
    },
    servers: [{ url: '/' }],
  });
  const used = new Set<string>();
  const bodies: string[] = [];
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const [method, operation] of Object.entries(item as Record<string, Operation>)) {
      const tag = tagOf(path);
      if (path.startsWith('/v1/')) bodies.push(...jsonBodyOf(operation));
      if (tag !== undefined) used.add(tag);
      Object.assign(operation, describeOperation(method, path, operation), tag === undefined ? {} : { tags: [tag] });
    }
  }
  allowNulls(document.components?.schemas ?? {}, bodies);
  return Object.assign(document, describeTags(used));
}

/** The reference to the schema of an operation's JSON body, if it takes one. */
function jsonBodyOf({ requestBody }: Operation): string[] {
  const ref = requestBody?.content['application/json']?.schema.$ref;
  return ref === undefined ? [] : [ref];
}

function versionOfPackage(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
