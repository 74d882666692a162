import { createHmac, randomBytes } from 'node:crypto';
import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { createMiddleware } from 'hono/factory';
import { callerOf, sha256 } from '../http/auth.ts';
import type { ApiDependencies, Env } from '../http/deps.ts';
import { ApiError } from '../http/errors.ts';

/**
 * Who uses the console. A key is exchanged for a token of 256 random bits, which the browser keeps in a cookie; the database has
 * its hash. The key itself is in no cookie, address, page or log. A session of an API key is read together with the key, so it
 * ends when the key does; that of an operator is found by a hash that the admin key is a part of.
 */

type Dependencies = Pick<ApiDependencies, 'store' | 'adminKey'>;

const LIFETIME_SECONDS = 12 * 3600;
const LINK_LIFETIME_SECONDS = 15 * 60;

export type SessionKind = 'account' | 'operator';

const PREFIX: Record<SessionKind, string> = { account: 'k_', operator: 'a_' };
const TOKEN = /^[ka]_[\w-]{43}$/;

function newToken(kind: SessionKind): string {
  return PREFIX[kind] + randomBytes(32).toString('base64url');
}

function hashOf(token: string, adminKey: string | undefined): Buffer {
  if (!token.startsWith(PREFIX.operator)) return sha256(token);
  return createHmac('sha256', adminKey ?? randomBytes(32))
    .update(token)
    .digest();
}

/** Opens a session for the owner of an API key and sets its cookie. */
export function signInAsAccount(deps: Dependencies, c: Context<Env>, apiKeyId: string): Promise<void> {
  return open(deps, c, 'account', apiKeyId);
}

/** The same for who has the admin key. */
export function signInAsOperator(deps: Dependencies, c: Context<Env>): Promise<void> {
  return open(deps, c, 'operator', null);
}

async function open(
  { store, adminKey }: Dependencies,
  c: Context<Env>,
  kind: SessionKind,
  apiKeyId: string | null,
): Promise<void> {
  const token = newToken(kind);
  const tokenHash = hashOf(token, adminKey);
  await store.openConsoleSession({ tokenHash, kind: 'session', apiKeyId, lifetimeSeconds: LIFETIME_SECONDS });
  keep(c, token);
}

/** A token that opens one session for this key, once, within minutes. */
export async function newLinkToken({ store }: Dependencies, apiKeyId: string): Promise<string> {
  const token = newToken('account');
  const tokenHash = sha256(token);
  await store.openConsoleSession({ tokenHash, kind: 'link', apiKeyId, lifetimeSeconds: LINK_LIFETIME_SECONDS });
  return token;
}

/** Opens a session by such a token; false if it can't be used, or was. */
export async function enter({ store }: Dependencies, c: Context<Env>, linkToken: string): Promise<boolean> {
  const token = newToken('account');
  const hashes = { linkHash: sha256(linkToken), sessionHash: sha256(token) };
  const opened = await store.redeemConsoleLink({ ...hashes, lifetimeSeconds: LIFETIME_SECONDS });
  if (opened) keep(c, token);
  return opened;
}

export async function signOut({ store, adminKey }: Dependencies, c: Context<Env>): Promise<void> {
  const token = tokenOf(c);
  if (token !== undefined) await store.closeConsoleSession(hashOf(token, adminKey));
  const { name, ...options } = cookieOf(c);
  deleteCookie(c, name, options);
}

/** Whose session the cookie names; nothing is looked up, so it may have ended. */
export function kindOfSession(c: Context<Env>): SessionKind | undefined {
  const token = tokenOf(c);
  return token === undefined ? undefined : token.startsWith(PREFIX.operator) ? 'operator' : 'account';
}

/** Sets `caller` from the session, as the session's key would. Raises `invalid_api_key`. */
export function requireSession({ store, adminKey }: Dependencies) {
  return createMiddleware<Env>(async (c, next) => {
    const token = tokenOf(c);
    if (token === undefined) throw noSession();
    const found = await store.findConsoleCaller(hashOf(token, adminKey));
    if (found.standing === 'unknown') throw noSession();
    c.set('caller', callerOf(found));
    return next();
  });
}

/** Requires the session of an operator. Raises `invalid_api_key`. */
export function requireOperatorsSession({ store, adminKey }: Dependencies) {
  return createMiddleware<Env>(async (c, next) => {
    const token = tokenOf(c);
    if (adminKey === undefined || token?.startsWith(PREFIX.operator) !== true) throw noSession();
    if (!(await store.isOperatorsSession(hashOf(token, adminKey)))) throw noSession();
    return next();
  });
}

function noSession(): ApiError {
  return new ApiError('invalid_api_key', 'You are not signed in, or your session has ended.', {
    advice: 'Sign in again.',
  });
}

function tokenOf(c: Context<Env>): string | undefined {
  const token = getCookie(c, cookieOf(c).name);
  return token !== undefined && TOKEN.test(token) ? token : undefined;
}

function keep(c: Context<Env>, token: string): void {
  const { name, ...options } = cookieOf(c);
  setCookie(c, name, token, { ...options, maxAge: LIFETIME_SECONDS });
}

/** By HTTPS the name itself makes the browser refuse the cookie from another host, from a subdomain, or without `Secure`. */
function cookieOf(c: Context<Env>) {
  const secure = isHttps(c);
  const name = secure ? '__Host-holdfast_console' : 'holdfast_console';
  return { name, secure, httpOnly: true, sameSite: 'Strict', path: '/' } as const;
}

/** Of the browser's own request. A proxy in front says so; who forges that harms only the cookie that they get themselves. */
function isHttps(c: Context<Env>): boolean {
  const forwarded = c.req.header('x-forwarded-proto')?.split(',')[0]?.trim().toLowerCase();
  return (forwarded ?? new URL(c.req.url).protocol.slice(0, -1)) === 'https';
}
