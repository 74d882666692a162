import { createRoute, z } from '@hono/zod-openapi';
import { v7 as uuidv7 } from 'uuid';
import { API_KEY_ID, apiKeyId, isAccountId } from '../../../contracts/ids.ts';
import { MAX_MICROCREDITS } from '../../../contracts/money.ts';
import { SCOPES } from '../../../contracts/scopes.ts';
import type { Ledger, ListedKey } from '../../../ledger/index.ts';
import { newApiKey, sha256 } from '../../http/auth.ts';
import type { ApiDependencies } from '../../http/deps.ts';
import { ApiError, notFound } from '../../http/errors.ts';
import { EXAMPLE, pageOf } from '../../http/examples.ts';
import { listOf, listQuery, toList } from '../../http/listing.ts';
import { keyed } from '../../http/idempotencyKey.ts';
import { answerOnce, shownOnce } from '../../http/once.ts';
import { newRouter } from '../../http/router.ts';
import { adminBearer, errorResponses, jsonContent, noQuery } from '../../http/contract.ts';
import { plainText, unixSeconds } from '../../http/schemas.ts';

/** API keys as an operator makes, lists, rotates and revokes them. A key itself is shown once, and kept as its hash. */

const account = z.object({ account_id: z.string().openapi({ param: { name: 'account_id', in: 'path' } }) });
const one = account.extend({ key_id: z.string().openapi({ param: { name: 'key_id', in: 'path' } }) });
const moment = z.number().int();
const microcredits = z.number().int().min(1).max(MAX_MICROCREDITS);
/** The last second of the year 9999. */
const LAST_MOMENT = 253_402_300_799;
const MAXIMUM_OVERLAP_SECONDS = 30 * 24 * 3600;

const NewKey = z
  .strictObject({
    name: plainText(200),
    scopes: z
      .array(z.enum(SCOPES))
      .min(1)
      .optional()
      .openapi({ description: 'What it may be used for; all when left out, also what is added later.' }),
    expires_at: moment
      .min(1)
      .max(LAST_MOMENT)
      .optional()
      .openapi({ description: 'Unix seconds; never when left out.' }),
    daily_limit_microcredits: microcredits.optional().openapi({
      description: 'What it may spend a day (UTC): what is charged and what is reserved.',
    }),
    monthly_limit_microcredits: microcredits.optional(),
    requests_per_minute: z.number().int().min(1).max(1_000_000).optional(),
  })
  .openapi('NewApiKey', { example: EXAMPLE.newApiKey });

const Key = z
  .object({
    id: z.string(),
    object: z.literal('api_key'),
    account_id: z.string(),
    name: z.string(),
    scopes: z.array(z.string()),
    expires_at: moment.nullable(),
    daily_limit_microcredits: z.number().int().nullable(),
    monthly_limit_microcredits: z.number().int().nullable(),
    requests_per_minute: z.number().int().nullable(),
    created_at: moment,
    revoked_at: moment.nullable(),
  })
  .openapi('ApiKey', { example: EXAMPLE.apiKey });
const ShownKey = Key.extend({ key: z.string().nullable(), ...shownOnce }).openapi('NewApiKeyShownOnce', {
  example: EXAMPLE.apiKeyShownOnce,
});

const add = createRoute({
  method: 'post',
  path: '/accounts/{account_id}/keys',
  operationId: 'createApiKey',
  summary: 'Make an API key; it is shown this once',
  security: adminBearer,
  request: { params: account, headers: keyed, query: noQuery, body: { required: true, content: jsonContent(NewKey) } },
  responses: {
    200: { description: 'The key.', content: jsonContent(ShownKey) },
    ...errorResponses(400, 401, 404, 415, 422, 500, 503),
  },
});

const list = createRoute({
  method: 'get',
  path: '/accounts/{account_id}/keys',
  operationId: 'listApiKeys',
  summary: 'The keys of an account, the oldest first, with those that have ended',
  security: adminBearer,
  request: {
    params: account,
    query: listQuery(API_KEY_ID, 'key_019a0000000070008000000000000000').omit({ order: true }),
  },
  responses: {
    200: {
      description: 'A page.',
      content: jsonContent(listOf(Key).openapi('ApiKeyList', { example: pageOf(EXAMPLE.apiKey) })),
    },
    ...errorResponses(400, 401, 404, 500, 503),
  },
});

const rotate = createRoute({
  method: 'post',
  path: '/accounts/{account_id}/keys/{key_id}/rotate',
  operationId: 'rotateApiKey',
  summary: 'Make a key with the settings of this one, which ends at once or after the overlap; they share its limits',
  security: adminBearer,
  request: {
    params: one,
    headers: keyed,
    query: noQuery,
    body: {
      required: true,
      content: jsonContent(
        z
          .strictObject({
            expires_in_seconds: z
              .number()
              .int()
              .min(0)
              .max(MAXIMUM_OVERLAP_SECONDS)
              .default(0)
              .openapi({ description: 'How long the old key goes on.' }),
          })
          .openapi('RotateApiKey', { example: { expires_in_seconds: 3600 } }),
      ),
    },
  },
  responses: {
    200: { description: 'The new key.', content: jsonContent(ShownKey) },
    ...errorResponses(400, 401, 404, 415, 422, 500, 503),
  },
});

const revoke = createRoute({
  method: 'delete',
  path: '/accounts/{account_id}/keys/{key_id}',
  operationId: 'revokeApiKey',
  summary: 'Revoke a key, at once and for good',
  security: adminBearer,
  request: { params: one, query: noQuery },
  responses: {
    200: {
      description: 'It opens nothing any more.',
      content: jsonContent(
        z
          .object({ id: z.string(), object: z.literal('api_key'), revoked_at: moment })
          .openapi('ApiKeyRevoked', { example: EXAMPLE.apiKeyRevoked }),
      ),
    },
    ...errorResponses(400, 401, 404, 500, 503),
  },
});

function pastEnd(): ApiError {
  return new ApiError('invalid_request', 'expires_at: lies in the past. No key was made.', { param: 'expires_at' });
}

export function adminKeyRoutes(deps: ApiDependencies) {
  const { ledger } = deps;
  const existing = (accountId: string, keyId?: string) => {
    if (!isAccountId(accountId)) throw notFound('This account');
    if (keyId !== undefined && !API_KEY_ID.test(keyId)) throw notFound('This key');
  };

  return newRouter()
    .openapi(add, async (c) => {
      const { account_id: accountId } = c.req.valid('param');
      const wanted = c.req.valid('json');
      existing(accountId);
      const make = async (inside: Ledger) => {
        if (wanted.expires_at !== undefined && wanted.expires_at * 1000 <= Date.now()) throw pastEnd();
        const key = newApiKey();
        const added = await inside.addApiKey({
          ...toSettings(wanted),
          id: apiKeyId(uuidv7()),
          accountId,
          sha256: sha256(key),
        });
        if (added === undefined) throw notFound('This account');
        return { ...toKey(accountId, added), key };
      };
      return c.json(await answerOnce<z.infer<typeof ShownKey>>(deps, c, wanted, make, 'key'), 200);
    })
    .openapi(list, async (c) => {
      const { account_id: accountId } = c.req.valid('param');
      const { limit, after = '' } = c.req.valid('query');
      existing(accountId);
      const found = await ledger.listApiKeys(accountId, after, limit + 1);
      const data = found.slice(0, limit).map((key) => toKey(accountId, key));
      return c.json(toList(data, found.length > limit), 200);
    })
    .openapi(rotate, async (c) => {
      const { account_id: accountId, key_id: old } = c.req.valid('param');
      const body = c.req.valid('json');
      existing(accountId, old);
      const make = async (inside: Ledger) => {
        const key = newApiKey();
        const next = { id: apiKeyId(uuidv7()), sha256: sha256(key), overlapSeconds: body.expires_in_seconds };
        const rotated = await inside.rotateApiKey(accountId, old, next);
        if (rotated === undefined) throw notFound('A key of this id that has not ended');
        return { ...toKey(accountId, rotated), key };
      };
      return c.json(await answerOnce<z.infer<typeof ShownKey>>(deps, c, body, make, 'key'), 200);
    })
    .openapi(revoke, async (c) => {
      const { account_id, key_id } = c.req.valid('param');
      existing(account_id, key_id);
      const revokedAt = await ledger.revokeApiKey(account_id, key_id);
      if (revokedAt === undefined) throw notFound('This key');
      return c.json({ id: key_id, object: 'api_key' as const, revoked_at: unixSeconds(revokedAt) }, 200);
    });
}

function toSettings(wanted: z.output<typeof NewKey>) {
  return {
    name: wanted.name,
    scopes: wanted.scopes === undefined ? null : [...new Set(wanted.scopes)],
    expiresAt: wanted.expires_at === undefined ? null : new Date(wanted.expires_at * 1000),
    dailyLimitMicrocredits: wanted.daily_limit_microcredits ?? null,
    monthlyLimitMicrocredits: wanted.monthly_limit_microcredits ?? null,
    requestsPerMinute: wanted.requests_per_minute ?? null,
  };
}

function toKey(accountId: string, key: ListedKey): z.infer<typeof Key> {
  return {
    id: key.id,
    object: 'api_key',
    account_id: accountId,
    name: key.name,
    scopes: [...(key.scopes ?? SCOPES)],
    expires_at: key.expiresAt === null ? null : unixSeconds(key.expiresAt),
    daily_limit_microcredits: key.dailyLimitMicrocredits,
    monthly_limit_microcredits: key.monthlyLimitMicrocredits,
    requests_per_minute: key.requestsPerMinute,
    created_at: unixSeconds(key.createdAt),
    revoked_at: key.revokedAt === null ? null : unixSeconds(key.revokedAt),
  };
}
