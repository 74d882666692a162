import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { etag } from 'hono/etag';
import { notFound } from '../http/errors.ts';
import { describeForModels } from './llms.ts';
import { PAGE, SCRIPT, STYLE } from './page.ts';
import type { OpenApiDocument } from '../http/openapi.ts';
import { newRouter } from '../http/router.ts';

/** Of the package swagger-ui-dist, only these are served. */
const ASSETS: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

// Swagger UI sets styles on its elements; everything else is from here, and nothing is sent anywhere else.
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The API for people, for programs and for language models; all of it from this process, so it works offline. */
export function docsRoutes(document: () => OpenApiDocument) {
  const { resolve } = createRequire(import.meta.url);
  const router = newRouter();
  router.use('/docs/*', etag());
  router.use('/docs/*', async (c, next) => {
    await next();
    c.header('content-security-policy', POLICY);
    c.header('x-content-type-options', 'nosniff');
    c.header('referrer-policy', 'no-referrer');
    c.header('cache-control', 'no-cache');
  });
  router.get('/openapi.json', (c) => c.json(document()));
  router.get('/llms.txt', (c) => c.text(describeForModels(document(), new URL(c.req.url).origin)));
  router.get('/docs', (c) => c.html(PAGE));
  router.get('/docs/page.js', (c) => c.body(SCRIPT, 200, { 'content-type': 'text/javascript; charset=utf-8' }));
  router.get('/docs/page.css', (c) => c.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8' }));
  router.get('/docs/:asset', async (c) => {
    const name = c.req.param('asset');
    // Own keys only: what is not listed is never looked for on the disk.
    const type = Object.hasOwn(ASSETS, name) ? ASSETS[name] : undefined;
    if (type === undefined) throw notFound('This page', 'The documentation begins at /docs.');
    return c.body(await readFile(resolve(`swagger-ui-dist/${name}`)), 200, { 'content-type': type });
  });
  return router;
}
