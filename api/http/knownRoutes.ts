import { createMiddleware } from 'hono/factory';
import type { Env } from './deps.ts';
import { ApiError, notFound } from './errors.ts';

/** Routes that do not exist, and methods that a route does not have. */

interface Registered {
  readonly method: string;
  readonly path: string;
}

interface Known {
  readonly pattern: RegExp;
  readonly methods: Set<string>;
}

/** All paths of a method. */
type Paths = ReadonlyMap<string, RegExp>;

/** Raises `not_found` or `method_not_allowed` before the body is read. `registered` is complete once requests arrive. */
export function requireRoute(registered: () => readonly Registered[]) {
  let known: readonly Known[] | undefined;
  let paths: Paths | undefined;
  return createMiddleware<Env>(async (c, next) => {
    known ??= knownOf(registered());
    paths ??= pathsOf(known);
    const { method, path } = c.req;
    if (paths.get(method)?.test(path)) return next();
    const allowed = new Set(knownAmong(known, [path]).flatMap(({ methods }) => [...methods]));
    const meant = knownAmong(known, pathsMeant(path));
    if (allowed.size === 0) throw meant.length > 0 ? notBelowV1() : noRoute();
    const isMeant = meant.some(({ methods }) => methods.has(method));
    throw notAllowed(method, [...allowed].sort(), isMeant);
  });
}

/** Middleware is registered for paths with a wildcard. */
function knownOf(registered: readonly Registered[]): Known[] {
  const byPath = new Map<string, Set<string>>();
  for (const { method, path } of registered) {
    if (path.includes('*')) continue;
    const methods = byPath.get(path) ?? new Set();
    byPath.set(path, methods.add(method));
    if (method === 'GET') methods.add('HEAD');
  }
  return [...byPath].map(([path, methods]) => ({ pattern: patternOf(path), methods }));
}

function pathsOf(known: readonly Known[]): Paths {
  const methods = new Set(known.flatMap((one) => [...one.methods]));
  return new Map(
    [...methods].map((method) => {
      const patterns = known.filter((one) => one.methods.has(method)).map(({ pattern }) => pattern.source);
      return [method, new RegExp(patterns.join('|'))];
    }),
  );
}

function patternOf(path: string): RegExp {
  const segments = path
    .split('/')
    .map((segment) => (segment.startsWith(':') ? '[^/]+' : segment.replace(/[.]/g, '\\.')));
  return new RegExp(`^${segments.join('/')}$`);
}

export function noRoute(): ApiError {
  return notFound('This route', 'GET /openapi.json lists the routes.');
}

const BASE_URL = 'Use a base URL that ends in /v1, right after the address of this server.';

/** What a client meant whose base URL lacks the /v1, has it twice or below another path, or goes on after it. */
function pathsMeant(path: string): readonly string[] {
  const fromLastV1 = path.slice(Math.max(path.lastIndexOf('/v1/'), 0));
  return [`/v1${path}`, fromLastV1, path.replace(/^\/v1\/[^/]+/, '/v1')];
}

function knownAmong(known: readonly Known[], paths: readonly string[]): Known[] {
  return known.filter(({ pattern }) => paths.some((path) => pattern.test(path)));
}

function notBelowV1(): ApiError {
  return notFound('This route', BASE_URL);
}

const ALTERNATIVES = new Intl.ListFormat('en-GB', { type: 'disjunction' });

function notAllowed(method: string, allowed: readonly string[], isMeant: boolean): ApiError {
  return new ApiError('method_not_allowed', `This route has no method ${method}.`, {
    headers: { allow: allowed.join(', ') },
    advice: isMeant ? BASE_URL : `Use ${ALTERNATIVES.format(allowed.filter((one) => one !== 'HEAD'))}.`,
  });
}
