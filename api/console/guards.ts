import { createMiddleware } from 'hono/factory';
import type { Env } from '../http/deps.ts';
import { ApiError } from '../http/errors.ts';

/** What the browser is told of every page, and what a request from another site is answered. */

const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "media-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** What comes from a provider is shown, played or saved, but never run in this origin. */
const DATA_POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'";

/** Types that are served as they are; anything else is a file to save. */
const SHOWN_TYPES = /^(application\/json|text\/(event-stream|csv)|video\/(mp4|webm)|image\/(webp|jpeg|png))(;|$)/;

const COMMON = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

/** Of pages and of what they are made from. */
export const guardPages = createMiddleware<Env>(async (c, next) => {
  await next();
  // Data has its own policy already.
  if (c.res.headers.has('content-security-policy')) return;
  setAll(c.res.headers, { ...COMMON, 'content-security-policy': PAGE_POLICY });
  if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store');
});

/** Of the API's answers to the console, among them what a provider made. */
export const guardData = createMiddleware<Env>(async (c, next) => {
  await next();
  const { headers } = c.res;
  setAll(headers, { ...COMMON, 'content-security-policy': DATA_POLICY });
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store');
  const type = headers.get('content-type');
  if (type === null || SHOWN_TYPES.test(type)) return;
  setAll(headers, { 'content-type': 'application/octet-stream', 'content-disposition': 'attachment' });
});

function setAll(headers: Headers, values: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(values)) headers.set(name, value);
}

/**
 * Refuses what changes something unless it was sent by a page of ours. Browsers say so by `Sec-Fetch-Site`, and where the
 * connection is not trusted (plain HTTP to another machine) by `Origin` alone. Raises `forbidden`.
 */
export const refuseOtherSites = createMiddleware<Env>(async (c, next) => {
  const isReading = c.req.raw.method === 'GET' || c.req.raw.method === 'HEAD';
  if (!isReading && !isOwnPage(c.req.header('sec-fetch-site'), c.req.header('origin'), c.req.header('host'))) {
    throw new ApiError('forbidden', 'This request did not come from a page of the console.');
  }
  return next();
});

function isOwnPage(site: string | undefined, origin: string | undefined, host: string | undefined): boolean {
  if (site !== undefined) return site === 'same-origin';
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === host;
}
