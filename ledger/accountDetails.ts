import type { GenerationState } from '../contracts/states.ts';
import type { Database } from '../store/database.ts';
import { row, rows } from '../store/query.ts';
import { defineStatement, t, type RowOf } from '../store/statement.ts';

/** One account as an operator looks at it. Nothing here moves credits. */

const EXISTS = defineStatement({
  name: 'account_exists',
  text: 'SELECT EXISTS (SELECT FROM accounts WHERE id = $1) AS exists',
  row: { exists: t.boolean },
});

export async function accountExists(db: Database, accountId: string): Promise<boolean> {
  return (await row(db, EXISTS, [accountId])).exists;
}

const ACCOUNT = defineStatement({
  name: 'get_account',
  text: `SELECT a.id, a.name, a.available_microcredits AS "availableMicrocredits", a.held_microcredits AS "heldMicrocredits",
      a.active_generations AS "activeGenerations", a.max_active_generations AS "maxActiveGenerations",
      a.frozen_at AS "frozenAt", a.created_at AS "createdAt",
      (SELECT o.reason FROM account_operations o WHERE o.account_id = a.id AND o.outcome = 'frozen' AND a.frozen_at IS NOT NULL
        ORDER BY o.recorded_at DESC LIMIT 1) AS "frozenReason",
      (SELECT count(*) FROM api_keys k WHERE k.account_id = a.id AND k.revoked_at IS NULL
        AND (k.expires_at IS NULL OR k.expires_at > now())) AS "validKeys",
      (SELECT COALESCE(json_agg(json_build_object('code', f.error_code, 'generations', f.generations)
          ORDER BY f.generations DESC, f.error_code), '[]')
        FROM (SELECT g.error_code, count(*) AS generations FROM generations g
          WHERE g.account_id = a.id AND g.credits_charged = false AND g.settled_at > now() - interval '24 hours'
          GROUP BY g.error_code) f) AS failures
    FROM accounts a WHERE a.id = $1`,
  row: {
    id: t.text,
    name: t.text,
    availableMicrocredits: t.bigint,
    heldMicrocredits: t.bigint,
    activeGenerations: t.integer,
    maxActiveGenerations: t.integer,
    frozenAt: t.nullable(t.timestamptz),
    /** The reason that the operator gave; null unless the account is frozen. */
    frozenReason: t.nullable(t.text),
    createdAt: t.timestamptz,
    /** API keys that are neither revoked nor expired. */
    validKeys: t.bigint,
    /** Failures of the last 24 hours by error code, the most frequent first. */
    failures: t.json<readonly { readonly code: string; readonly generations: number }[]>(),
  },
});

export type AccountDetails = RowOf<typeof ACCOUNT>;

/** The account; undefined if there is none with this id. */
export async function getAccount(db: Database, accountId: string): Promise<AccountDetails | undefined> {
  const [account] = await rows(db, ACCOUNT, [accountId]);
  return account;
}

const LAST_GENERATION = defineStatement({
  name: 'last_generation',
  // An id begins with its kind, and only within a kind ids are ordered by time.
  text: `SELECT last.* FROM (VALUES ('video'), ('script'), ('thread')) AS one (of_kind), LATERAL (
      SELECT g.id, g.state, g.requested_at AS "requestedAt", COALESCE(g.error_code, g.refusal_code) AS "errorCode"
      FROM generations g WHERE g.account_id = $1 AND g.id > of_kind || '_' AND g.id < of_kind || '_g' ORDER BY g.id DESC LIMIT 1) last
    ORDER BY last."requestedAt" DESC LIMIT 1`,
  row: {
    id: t.text,
    state: t.word<GenerationState>(),
    requestedAt: t.timestamptz,
    /** Why it failed, or why its request was refused. */
    errorCode: t.nullable(t.text),
  },
});

export type LastGeneration = RowOf<typeof LAST_GENERATION>;

/** The last video, script or thread that this account requested, also if it was refused. */
export async function getLastGeneration(db: Database, accountId: string): Promise<LastGeneration | undefined> {
  const [last] = await rows(db, LAST_GENERATION, [accountId]);
  return last;
}
