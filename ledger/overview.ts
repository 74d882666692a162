import { boundedSearch } from '../store/boundedSearch.ts';
import type { Database } from '../store/database.ts';
import { row, rows } from '../store/query.ts';
import { defineStatement, t, type RowOf } from '../store/statement.ts';

/** Figures for operators. Nothing here moves credits. */

const ACCOUNT_COLUMNS = `id, name, available_microcredits AS "availableMicrocredits", held_microcredits AS "heldMicrocredits",
      active_generations AS "activeGenerations", frozen_at AS "frozenAt", created_at AS "createdAt"`;
const ACCOUNT_ROW = {
  id: t.text,
  name: t.text,
  availableMicrocredits: t.bigint,
  heldMicrocredits: t.bigint,
  activeGenerations: t.integer,
  frozenAt: t.nullable(t.timestamptz),
  createdAt: t.timestamptz,
};

const ACCOUNTS = defineStatement({
  name: 'list_accounts',
  text: `SELECT ${ACCOUNT_COLUMNS} FROM accounts WHERE id > $1 ORDER BY id LIMIT $2`,
  row: ACCOUNT_ROW,
});

const NAMED = defineStatement({
  name: 'list_named_accounts',
  text: `SELECT ${ACCOUNT_COLUMNS} FROM accounts WHERE id > $1 AND strpos(lower(name), lower($3)) > 0 ORDER BY id LIMIT $2`,
  row: ACCOUNT_ROW,
});

/** No index finds a part of a name: all accounts are read until the page is full. */
const NAME_TIMEOUT_MS = 3000;

export type ListedAccount = RowOf<typeof ACCOUNTS>;

/**
 * The accounts after this id, in the order in which they were opened; with a name, those whose name has it in it, in upper or
 * lower case. Raises `SearchTooBroad` for a name.
 */
export async function listAccounts(
  db: Database,
  after: string,
  limit: number,
  name?: string,
): Promise<ListedAccount[]> {
  if (name === undefined) return rows(db, ACCOUNTS, [after, limit]);
  return boundedSearch(db, NAME_TIMEOUT_MS, (inside) => rows(inside, NAMED, [after, limit, name]));
}

const OVERVIEW = defineStatement({
  name: 'overview',
  text: `SELECT active.*, stuck.*, today.*, refunded.*, failed.failures FROM
    (SELECT count(*) AS "activeGenerations", COALESCE(sum(amount_microcredits), 0)::bigint AS "heldMicrocredits"
      FROM active_generations) AS active,
    (SELECT count(*) AS "stuckHolds" FROM stuck_holds) AS stuck,
    (SELECT COALESCE(sum(charged_generations), 0)::bigint AS "chargedToday",
        COALESCE(sum(charged_microcredits), 0)::bigint AS "chargedTodayMicrocredits",
        COALESCE(sum(released_generations), 0)::bigint AS "releasedToday",
        COALESCE(sum(released_microcredits), 0)::bigint AS "releasedTodayMicrocredits" FROM credit_usage_today) AS today,
    (SELECT count(*) AS "refundedToday", COALESCE(sum(amount_microcredits), 0)::bigint AS "refundedTodayMicrocredits"
      FROM refunds WHERE recorded_at >= date_trunc('day', now(), 'UTC')) AS refunded,
    (SELECT COALESCE(json_agg(json_build_object('code', error_code, 'generations', generations) ORDER BY generations DESC, error_code), '[]')
        AS failures FROM recent_failures) AS failed`,
  row: {
    activeGenerations: t.bigint,
    heldMicrocredits: t.bigint,
    stuckHolds: t.bigint,
    chargedToday: t.bigint,
    chargedTodayMicrocredits: t.bigint,
    /** Released holds. Nothing was charged for them. */
    releasedToday: t.bigint,
    releasedTodayMicrocredits: t.bigint,
    /** Refunds of charges, made today or earlier. */
    refundedToday: t.bigint,
    refundedTodayMicrocredits: t.bigint,
    /** Failures of the last 24 hours by error code, the most frequent first. */
    failures: t.json<readonly { readonly code: string; readonly generations: number }[]>(),
  },
});

export type Overview = RowOf<typeof OVERVIEW>;

/** The active generations, the stuck holds, and today's movements. */
export async function getOverview(db: Database): Promise<Overview> {
  return row(db, OVERVIEW, []);
}

const EMERGENCIES = defineStatement({
  name: 'list_emergency_releases',
  text: `SELECT id AS "generationId", account_id AS "accountId", amount_microcredits AS "amountMicrocredits",
      settled_at AS "releasedAt", provider_status AS "providerStatus"
    FROM generations WHERE settlement_reason = 'emergency' ORDER BY settled_at DESC LIMIT $1`,
  row: {
    generationId: t.text,
    accountId: t.text,
    amountMicrocredits: t.bigint,
    releasedAt: t.notNull(t.timestamptz),
    /** The provider's last status. */
    providerStatus: t.nullable(t.text),
  },
});

export type EmergencyRelease = RowOf<typeof EMERGENCIES>;

/** Holds that were released because their outcome could not be recorded, the newest first. */
export async function listEmergencyReleases(db: Database, limit: number): Promise<EmergencyRelease[]> {
  return rows(db, EMERGENCIES, [limit]);
}
