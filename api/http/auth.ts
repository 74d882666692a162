import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createMiddleware } from 'hono/factory';
import type { ApiDependencies, Env } from './deps.ts';
import { ApiError, notFound } from './errors.ts';

const KEY_PREFIX = 'hf_';
const HOW_TO_SEND = 'Send one that is in force as: Authorization: Bearer <key>.';

/** A new API key: 256 random bits, shown once. */
export function newApiKey(): string {
  return KEY_PREFIX + randomBytes(32).toString('base64url');
}

export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Sets `caller` from the bearer key, or answers 401. */
export function requireApiKey({ store }: Pick<ApiDependencies, 'store'>) {
  return createMiddleware<Env>(async (c, next) => {
    const key = bearerOf(c.req.header('authorization'));
    if (key === undefined) throw new ApiError('invalid_api_key', `There is no API key here. ${HOW_TO_SEND}`);
    const found = await store.findCaller(sha256(key));
    if (found.standing !== 'valid') {
      const what = { unknown: 'is unknown', revoked: 'was revoked', expired: 'has expired' }[found.standing];
      throw new ApiError('invalid_api_key', `This API key ${what}. ${HOW_TO_SEND}`);
    }
    c.set('caller', found.caller);
    await next();
  });
}

/** Lets only the holder of the admin key pass; without a configured key there is no admin API. */
export function requireAdminKey(adminKey: string | undefined) {
  return createMiddleware<Env>(async (c, next) => {
    if (adminKey === undefined) throw notFound('The admin API');
    const given = bearerOf(c.req.header('authorization')) ?? '';
    // Hashes have one length, so the comparison takes one time.
    if (!timingSafeEqual(sha256(given), sha256(adminKey))) {
      throw new ApiError(
        'invalid_api_key',
        'This is not the admin key. Send it as: Authorization: Bearer <admin key>.',
      );
    }
    await next();
  });
}

function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer ([\x21-\x7e]{1,512})$/i.exec(header ?? '')?.[1];
}
