import type { Context } from 'hono';
import { v7 as uuidv7 } from 'uuid';
import { API_KEY_ID, apiKeyId } from '../../../contracts/ids.ts';
import { newApiKey, sha256 } from '../../http/auth.ts';
import type { ApiDependencies, Env } from '../../http/deps.ts';
import { type ApiError, invalid, notFound } from '../../http/errors.ts';
import { toPage } from '../../http/listing.ts';
import type { Inside, OnceDependencies } from '../../http/once.ts';
import { answerOnce } from '../../http/once.ts';
import { unixSeconds } from '../../http/schemas.ts';
import { requireAccount, requireAccountId } from '../accounts/handlers.ts';
import type { KeyRevoked, NewKey, RotateKey, ShownKey } from './objects.ts';
import { toKey, toKeyAndSpending, toSettings } from './objects.ts';

type Dependencies = Pick<ApiDependencies, 'store'>;
type ListDependencies = Pick<ApiDependencies, 'ledger' | 'store'>;
interface KeyPath {
  readonly account_id: string;
  readonly key_id: string;
}

export function createKey(
  deps: OnceDependencies,
  c: Context<Env>,
  accountId: string,
  wanted: NewKey,
): Promise<ShownKey> {
  requireAccountId(accountId);
  const create = async ({ store }: Inside) => {
    if (wanted.expires_at !== undefined && wanted.expires_at * 1000 <= Date.now()) throw alreadyExpired();
    const key = newApiKey();
    const id = apiKeyId(uuidv7());
    const added = await store.addApiKey({ ...toSettings(wanted), id, accountId, sha256: sha256(key) });
    if (added === undefined) throw notFound('This account');
    return { ...toKey(accountId, added), key };
  };
  return answerOnce<ShownKey>(deps, c, wanted, create, 'key');
}

export async function listKeys(
  { ledger, store }: ListDependencies,
  accountId: string,
  { limit, after = '' }: { limit: number; after?: string | undefined },
) {
  await requireAccount({ ledger }, accountId);
  return toPage(await store.listApiKeys(accountId, after, limit + 1), limit, (key) => toKeyAndSpending(accountId, key));
}

export function rotateKey(
  deps: OnceDependencies,
  c: Context<Env>,
  path: KeyPath,
  { expires_in_seconds: overlapSeconds = 0 }: RotateKey,
): Promise<ShownKey> {
  requireIds(path);
  const { account_id: accountId, key_id: oldId } = path;
  const rotate = async ({ store }: Inside) => {
    const key = newApiKey();
    const next = { id: apiKeyId(uuidv7()), sha256: sha256(key), overlapSeconds };
    const rotated = await store.rotateApiKey(accountId, oldId, next);
    if (rotated === undefined) throw notFound('A valid key with this id');
    return { ...toKey(accountId, rotated), key };
  };
  return answerOnce<ShownKey>(deps, c, { expires_in_seconds: overlapSeconds }, rotate, 'key');
}

export async function revokeKey({ store }: Dependencies, path: KeyPath): Promise<KeyRevoked> {
  requireIds(path);
  const revokedAt = await store.revokeApiKey(path.account_id, path.key_id);
  if (revokedAt === undefined) throw notFound('This key');
  return { id: path.key_id, object: 'api_key', revoked_at: unixSeconds(revokedAt) };
}

function requireIds({ account_id: accountId, key_id: keyId }: KeyPath): void {
  requireAccountId(accountId);
  if (!API_KEY_ID.test(keyId)) throw notFound('This key');
}

function alreadyExpired(): ApiError {
  return invalid('expires_at', 'is in the past');
}
