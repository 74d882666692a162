import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createMiddleware } from 'hono/factory';
import { isVideoId } from '../../contracts/ids.ts';
import type { Caller, FoundKey } from '../../store/index.ts';
import type { ApiDependencies, Env } from './deps.ts';
import { ApiError, notFound } from './errors.ts';

const KEY_PREFIX = 'hf_';
const NO_BEARER = 'The Authorization header must be the word Bearer, a space and the key.';

/** A new API key of 256 random bits. */
export function newApiKey(): string {
  return KEY_PREFIX + randomBytes(32).toString('base64url');
}

export function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

/**
 * The path of a video, or of what is below it. Only a GET is answered from what the key was read with: any other method reads the
 * video again, once its body is there.
 */
const VIDEO_PATH = /^\/v1\/videos\/([^/]+)/;

/**
 * Sets `caller` from the bearer key. For a GET of a video, the video is read in the same round trip, and set as `namedVideo`.
 * Raises `invalid_api_key`.
 */
export function requireApiKey({ store }: Pick<ApiDependencies, 'store'>) {
  return createMiddleware<Env>(async (c, next) => {
    const header = c.req.header('authorization');
    const key = bearerOf(header);
    if (key === undefined) throw noApiKey(header ? NO_BEARER : 'This request has no API key.');
    const videoId = c.req.method === 'GET' ? VIDEO_PATH.exec(c.req.path)?.[1] : undefined;
    if (videoId === undefined || !isVideoId(videoId)) {
      c.set('caller', callerOf(await store.findCaller(sha256(key))));
    } else {
      const { found, video } = await store.findCallersVideo(sha256(key), videoId);
      c.set('caller', callerOf(found));
      c.set('namedVideo', { id: videoId, video });
    }
    return next();
  });
}

/** The owner of a key that was found. Raises `invalid_api_key` unless it is valid. */
export function callerOf(found: FoundKey): Caller {
  if (found.standing === 'valid') return found.caller;
  const what = { unknown: 'is unknown', revoked: 'was revoked', expired: 'has expired' }[found.standing];
  throw noApiKey(`This API key ${what}.`);
}

/** Requires the admin key. Raises `invalid_api_key`, or `not_found` if no admin key is configured. */
export function requireAdminKey(adminKey: string | undefined) {
  return createMiddleware<Env>(async (c, next) => {
    if (adminKey === undefined) throw notFound('The admin API', 'It is enabled by the setting ADMIN_KEY.');
    const header = c.req.header('authorization');
    const given = bearerOf(header);
    if (given === undefined) throw noAdminKey(header ? NO_BEARER : 'This request has no admin key.');
    if (!isAdminKey(adminKey, given)) throw noAdminKey('This is not the admin key.');
    await next();
  });
}

/** Compared in a time that tells nothing: timingSafeEqual needs inputs of the same length, which the hashes have. */
export function isAdminKey(adminKey: string | undefined, given: string): boolean {
  return adminKey !== undefined && timingSafeEqual(sha256(given), sha256(adminKey));
}

export function noApiKey(message: string): ApiError {
  const advice = 'Send a valid key as: Authorization: Bearer <key>. The operator of this service issues them.';
  return new ApiError('invalid_api_key', message, { advice });
}

export function noAdminKey(message: string): ApiError {
  const advice = 'Send the key that is set as ADMIN_KEY, as: Authorization: Bearer <admin key>.';
  return new ApiError('invalid_api_key', message, { advice });
}

function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer ([\x21-\x7e]{1,512})$/i.exec(header ?? '')?.[1];
}
