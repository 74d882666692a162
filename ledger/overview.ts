import type { Database } from '../store/database.ts';
import { row, rows } from '../store/query.ts';

/** What an operator looks at. Nothing here moves credits. */

export interface ListedAccount {
  readonly id: string;
  readonly name: string;
  readonly availableMicrocredits: number;
  readonly heldMicrocredits: number;
  readonly activeGenerations: number;
  readonly frozenAt: Date | null;
  readonly createdAt: Date;
}

const ACCOUNTS = {
  name: 'list_accounts',
  text: `SELECT id, name, available_microcredits AS "availableMicrocredits", held_microcredits AS "heldMicrocredits",
      active_generations AS "activeGenerations", frozen_at AS "frozenAt", created_at AS "createdAt"
    FROM accounts WHERE id > $1 ORDER BY id LIMIT $2`,
};

/** The accounts after this id, in the order in which they were opened. */
export async function listAccounts(db: Database, after: string, limit: number): Promise<ListedAccount[]> {
  return rows(db, ACCOUNTS, [after, limit]);
}

export interface Overview {
  readonly activeGenerations: number;
  readonly heldMicrocredits: number;
  readonly stuckHolds: number;
  readonly chargedToday: number;
  readonly chargedTodayMicrocredits: number;
  /** Holds that were released: nothing was charged. */
  readonly releasedToday: number;
  readonly releasedTodayMicrocredits: number;
  /** Given back of what was charged, today or earlier. */
  readonly refundedToday: number;
  readonly refundedTodayMicrocredits: number;
  /** By error code, of the last 24 hours, the most frequent first. */
  readonly failures: readonly { readonly code: string; readonly generations: number }[];
}

const OVERVIEW = {
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
};

/** What is under way, what is stuck, and what became of today's credits. */
export async function getOverview(db: Database): Promise<Overview> {
  return row(db, OVERVIEW, []);
}

export interface EmergencyRelease {
  readonly generationId: string;
  readonly accountId: string;
  readonly amountMicrocredits: number;
  readonly releasedAt: Date;
  /** What the provider had said last. */
  readonly providerStatus: string | null;
}

const EMERGENCIES = {
  name: 'list_emergency_releases',
  text: `SELECT id AS "generationId", account_id AS "accountId", amount_microcredits AS "amountMicrocredits",
      settled_at AS "releasedAt", provider_status AS "providerStatus"
    FROM generations WHERE settlement_reason = 'emergency' ORDER BY settled_at DESC LIMIT $1`,
};

/** Holds that were released because their outcome could not be recorded, the newest first. */
export async function listEmergencyReleases(db: Database, limit: number): Promise<EmergencyRelease[]> {
  return rows(db, EMERGENCIES, [limit]);
}
