import type { Database } from './database.ts';
import { row, rows } from './query.ts';
import { defineStatement, t, type RowOf } from './statement.ts';

/** API keys: their owners, permissions and spending. Nothing here moves credits. */

export interface KeySettings {
  readonly name: string;
  /** Null: all scopes, including those that are added later. */
  readonly scopes: readonly string[] | null;
  readonly expiresAt: Date | null;
  readonly dailyLimitMicrocredits: number | null;
  readonly monthlyLimitMicrocredits: number | null;
  /** Null: the limit from the API's configuration. */
  readonly requestsPerMinute: number | null;
}

const SHOWN = `id, name, scopes, expires_at AS "expiresAt", daily_limit_microcredits AS "dailyLimitMicrocredits",
  monthly_limit_microcredits AS "monthlyLimitMicrocredits", requests_per_minute AS "requestsPerMinute",
  created_at AS "createdAt", revoked_at AS "revokedAt"`;

const SHOWN_COLUMNS = {
  id: t.text,
  name: t.text,
  scopes: t.nullable(t.texts()),
  expiresAt: t.nullable(t.timestamptz),
  dailyLimitMicrocredits: t.nullable(t.bigint),
  monthlyLimitMicrocredits: t.nullable(t.bigint),
  requestsPerMinute: t.nullable(t.integer),
  createdAt: t.timestamptz,
  revokedAt: t.nullable(t.timestamptz),
};

const INSERT_KEY = defineStatement({
  name: 'insert_api_key',
  text: `INSERT INTO api_keys (id, account_id, name, key_sha256, scopes, expires_at, daily_limit_microcredits,
      monthly_limit_microcredits, requests_per_minute)
    SELECT $1, a.id, $3, $4, $5, $6, $7, $8, $9 FROM accounts a WHERE a.id = $2 RETURNING ${SHOWN}`,
  row: SHOWN_COLUMNS,
});

export type ListedKey = RowOf<typeof INSERT_KEY>;

/** Stores the hash of a new key; a limit that is not given does not apply. Undefined: there is no such account. */
export async function addApiKey(
  db: Database,
  key: { id: string; accountId: string; name: string; sha256: Buffer } & Partial<KeySettings>,
): Promise<ListedKey | undefined> {
  const [added] = await rows(db, INSERT_KEY, [
    key.id,
    key.accountId,
    key.name,
    key.sha256,
    key.scopes,
    key.expiresAt,
    key.dailyLimitMicrocredits,
    key.monthlyLimitMicrocredits,
    key.requestsPerMinute,
  ]);
  return added;
}

const ROTATE = defineStatement({
  name: 'rotate_api_key',
  // clock_timestamp() and not now(): a second rotation that waited for the first checks again, and finds the key expired.
  text: `WITH standing AS (
      SELECT * FROM api_keys WHERE account_id = $1 AND id = $2 AND revoked_at IS NULL
        AND (expires_at IS NULL OR expires_at > clock_timestamp()) FOR NO KEY UPDATE
    ), ending AS (
      UPDATE api_keys k SET expires_at = least(k.expires_at, clock_timestamp() + make_interval(secs => $5))
      FROM standing WHERE k.id = standing.id
    )
    INSERT INTO api_keys (id, account_id, name, key_sha256, scopes, expires_at, daily_limit_microcredits,
      monthly_limit_microcredits, requests_per_minute, spends_as)
    SELECT $3, account_id, name, $4, scopes, expires_at, daily_limit_microcredits, monthly_limit_microcredits,
      requests_per_minute, COALESCE(spends_as, id) FROM standing RETURNING ${SHOWN}`,
  row: SHOWN_COLUMNS,
});

/**
 * Creates a key with the settings of an old one, which expires after the overlap; both share their spend limits. Undefined
 * if the account has no such key, or it has expired.
 */
export async function rotateApiKey(
  db: Database,
  accountId: string,
  apiKeyId: string,
  next: { id: string; sha256: Buffer; overlapSeconds: number },
): Promise<ListedKey | undefined> {
  const [rotated] = await rows(db, ROTATE, [accountId, apiKeyId, next.id, next.sha256, next.overlapSeconds]);
  return rotated;
}

const REVOKE = defineStatement({
  name: 'revoke_api_key',
  text: `UPDATE api_keys SET revoked_at = COALESCE(revoked_at, now()) WHERE id = $1 AND account_id = $2
    RETURNING revoked_at AS "revokedAt"`,
  row: { revokedAt: t.notNull(t.timestamptz) },
});

/** Revokes the key; undefined if the account has no such key. */
export async function revokeApiKey(db: Database, accountId: string, apiKeyId: string): Promise<Date | undefined> {
  const [revoked] = await rows(db, REVOKE, [apiKeyId, accountId]);
  return revoked?.revokedAt;
}

const IN_FORCE = defineStatement({
  name: 'is_key_in_force',
  text: `SELECT EXISTS (SELECT FROM api_keys WHERE id = $1 AND revoked_at IS NULL
    AND (expires_at IS NULL OR expires_at > clock_timestamp())) AS "inForce"`,
  row: { inForce: t.boolean },
});

/** Whether this key is neither revoked nor expired. */
export async function isKeyInForce(db: Database, apiKeyId: string): Promise<boolean> {
  return (await row(db, IN_FORCE, [apiKeyId])).inForce;
}

/** What is known of the caller with a key `k`. The names differ from those of a video, which is read together with it. */
export const CALLER = `k.id AS "callerKeyId", k.account_id AS "callerAccountId", COALESCE(k.spends_as, k.id) AS "rotatedFrom",
      k.scopes, k.requests_per_minute AS "requestsPerMinute",
      k.daily_limit_microcredits IS NOT NULL OR k.monthly_limit_microcredits IS NOT NULL AS "hasSpendLimit",
      CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked' WHEN k.expires_at <= now() THEN 'expired' ELSE 'valid' END AS standing`;

export const CALLER_COLUMNS = {
  callerKeyId: t.text,
  callerAccountId: t.text,
  /** The first key of its rotations, or the key itself; they share their limits. */
  rotatedFrom: t.text,
  scopes: t.nullable(t.texts()),
  requestsPerMinute: t.nullable(t.integer),
  /** Whether the key has a daily or monthly spend limit. */
  hasSpendLimit: t.boolean,
  standing: t.word<'valid' | 'revoked' | 'expired'>(),
};

const FIND_KEY = defineStatement({
  name: 'find_api_key',
  text: `SELECT ${CALLER} FROM api_keys k WHERE k.key_sha256 = $1`,
  row: CALLER_COLUMNS,
});

export interface Caller extends Pick<
  RowOf<typeof FIND_KEY>,
  'rotatedFrom' | 'scopes' | 'requestsPerMinute' | 'hasSpendLimit'
> {
  readonly apiKeyId: string;
  readonly accountId: string;
  /** A person in the console, by a session of the key, and not a program that has the key. */
  readonly isConsole?: true;
}

export type FoundKey =
  { readonly standing: 'valid'; readonly caller: Caller } | { readonly standing: 'unknown' | 'revoked' | 'expired' };

/** The owner of a valid key. Looked up by its hash, so the timing reveals nothing about keys. */
export async function findCaller(db: Database, sha256: Buffer): Promise<FoundKey> {
  const [found] = await rows(db, FIND_KEY, [sha256]);
  return toFoundKey(found);
}

/** Undefined: no key has this hash. */
export function toFoundKey(found: RowOf<typeof FIND_KEY> | undefined): FoundKey {
  if (found === undefined) return { standing: 'unknown' };
  if (found.standing !== 'valid') return { standing: found.standing };
  const { callerKeyId: apiKeyId, callerAccountId: accountId, rotatedFrom, scopes, requestsPerMinute } = found;
  const caller = { apiKeyId, accountId, rotatedFrom, scopes, requestsPerMinute, hasSpendLimit: found.hasSpendLimit };
  return { standing: 'valid', caller };
}

/** The spending of a key `k`. */
const SPENT = `CASE WHEN s.day = t.day THEN s.day_microcredits ELSE 0 END AS "todayMicrocredits",
      CASE WHEN s.month = t.month THEN s.month_microcredits ELSE 0 END AS "thisMonthMicrocredits",
      (t.day + interval '1 day') AT TIME ZONE 'UTC' AS "dayEndsAt", (t.month + interval '1 month') AT TIME ZONE 'UTC' AS "monthEndsAt"`;

const FROM_KEYS = `FROM (SELECT (now() AT TIME ZONE 'UTC')::date AS day, date_trunc('month', now() AT TIME ZONE 'UTC')::date AS month) AS t,
      api_keys k LEFT JOIN api_key_spending s ON s.api_key_id = COALESCE(k.spends_as, k.id)`;

const SPENT_COLUMNS = {
  /** Charged or reserved since midnight UTC, including the keys that it was rotated from. */
  todayMicrocredits: t.bigint,
  thisMonthMicrocredits: t.bigint,
  dayEndsAt: t.timestamptz,
  monthEndsAt: t.timestamptz,
};

const KEYS = defineStatement({
  name: 'list_api_keys',
  text: `SELECT ${SHOWN}, COALESCE(spends_as, id) AS "rotatedFrom", ${SPENT},
      (SELECT COALESCE(sum(h.amount_microcredits), 0)::bigint FROM holds h JOIN generations g ON g.id = h.generation_id
        WHERE h.account_id = $1 AND h.state = 'active' AND g.api_key_id = k.id) AS "heldMicrocredits"
    ${FROM_KEYS} WHERE k.account_id = $1 AND k.id > $2 ORDER BY k.id LIMIT $3`,
  row: {
    ...SHOWN_COLUMNS,
    /** The first key of its rotations, or the key itself; its spending is counted there. */
    rotatedFrom: t.text,
    ...SPENT_COLUMNS,
    /** In the active holds of its generations. */
    heldMicrocredits: t.bigint,
  },
});

export type KeyWithSpending = RowOf<typeof KEYS>;

/** The account's keys after this id, including expired and revoked ones, in the order of creation. */
export async function listApiKeys(
  db: Database,
  accountId: string,
  after: string,
  limit: number,
): Promise<KeyWithSpending[]> {
  return rows(db, KEYS, [accountId, after, limit]);
}

const SPENDING = defineStatement({
  name: 'api_key_spending',
  text: `SELECT k.daily_limit_microcredits AS "dailyLimitMicrocredits", k.monthly_limit_microcredits AS "monthlyLimitMicrocredits", ${SPENT}
    ${FROM_KEYS} WHERE k.id = $1`,
  row: {
    dailyLimitMicrocredits: t.nullable(t.bigint),
    monthlyLimitMicrocredits: t.nullable(t.bigint),
    ...SPENT_COLUMNS,
  },
});

export type KeySpending = RowOf<typeof SPENDING>;

/** The spend limits and the spending of a key, which must exist. */
export async function getKeySpending(db: Database, apiKeyId: string): Promise<KeySpending> {
  return row(db, SPENDING, [apiKeyId]);
}
