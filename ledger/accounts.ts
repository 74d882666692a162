import { inTurn } from './accountTurns.ts';
import type { Database } from '../store/database.ts';
import { row } from '../store/query.ts';
import { cases, defineStatement, t, type RowOf } from '../store/statement.ts';

const OPEN_ACCOUNT = defineStatement({
  name: 'open_account',
  text: 'SELECT outcome, created_at AS "createdAt", replayed FROM open_account($1, $2)',
  row: {
    /** `id_reused`: an account with that id has another name. */
    outcome: t.word<'opened' | 'id_reused'>(),
    createdAt: t.timestamptz,
    replayed: t.boolean,
  },
});

export type OpenedAccount = RowOf<typeof OPEN_ACCOUNT>;

/** Opens an account without credits. Idempotent by its id. */
export async function openAccount(db: Database, id: string, name: string): Promise<OpenedAccount> {
  return row(db, OPEN_ACCOUNT, [id, name]);
}

const SET_FROZEN = defineStatement({
  name: 'set_account_frozen',
  text: 'SELECT outcome, replayed FROM set_account_frozen($1, $2, $3, $4)',
  row: {
    outcome: t.word<'frozen' | 'already_frozen' | 'unfrozen' | 'not_frozen' | 'key_reused' | 'unknown_account'>(),
    replayed: t.boolean,
  },
});

export type Frozen = RowOf<typeof SET_FROZEN>;

/** Freezes or unfreezes an account. A frozen account gets no new holds; its active holds settle as usual. Idempotent by key. */
export async function setAccountFrozen(
  db: Database,
  change: { accountId: string; frozen: boolean; reason: string; idempotencyKey: string },
): Promise<Frozen> {
  return row(db, SET_FROZEN, [change.accountId, change.frozen, change.reason, change.idempotencyKey]);
}

/** `heldVideos` and so on count the active holds by what they are for. */
const GET_BALANCE = defineStatement({
  name: 'get_balance',
  text: `SELECT a.available_microcredits AS "availableMicrocredits", a.held_microcredits AS "heldMicrocredits",
      h.videos AS "heldVideos", h.scripts AS "heldScripts", h.threads AS "heldThreads",
      a.active_generations AS "activeGenerations", a.max_active_generations AS "maxActiveGenerations",
      a.frozen_at AS "frozenAt"
    FROM accounts a, LATERAL (SELECT
        count(*) FILTER (WHERE generation_id LIKE 'video%') AS videos,
        count(*) FILTER (WHERE generation_id LIKE 'script%') AS scripts,
        count(*) FILTER (WHERE generation_id LIKE 'thread%') AS threads
      FROM holds WHERE account_id = a.id AND state = 'active') h
    WHERE a.id = $1`,
  row: {
    availableMicrocredits: t.bigint,
    heldMicrocredits: t.bigint,
    heldVideos: t.bigint,
    heldScripts: t.bigint,
    heldThreads: t.bigint,
    activeGenerations: t.integer,
    maxActiveGenerations: t.integer,
    frozenAt: t.nullable(t.timestamptz),
  },
});

export type Balance = RowOf<typeof GET_BALANCE>;

export async function getBalance(db: Database, accountId: string): Promise<Balance> {
  return row(db, GET_BALANCE, [accountId]);
}

const GRANT = defineStatement({
  name: 'grant_credits',
  text: `SELECT outcome, transaction_id AS "transactionId", moved_microcredits AS "movedMicrocredits",
      available_microcredits AS "availableMicrocredits", replayed FROM grant_credits($1, $2, $3, $4)`,
  row: cases('outcome', {
    granted: {
      transactionId: t.bigint,
      /** The amount moved: less than requested if a claw-back exceeded the available balance. */
      movedMicrocredits: t.bigint,
      availableMicrocredits: t.bigint,
      replayed: t.boolean,
    },
    key_reused: {},
    nothing_available: { availableMicrocredits: t.bigint, replayed: t.boolean },
    too_large: { availableMicrocredits: t.bigint, replayed: t.boolean },
    unknown_account: {},
  }),
});

export type Grant = RowOf<typeof GRANT>;

/** Grants credits; a negative amount claws back at most what is available. Idempotent by key. */
export async function grantCredits(
  db: Database,
  grant: { accountId: string; amountMicrocredits: number; reason: string; idempotencyKey: string },
): Promise<Grant> {
  return inTurn(db, grant.accountId, () =>
    row(db, GRANT, [grant.accountId, grant.amountMicrocredits, grant.reason, grant.idempotencyKey]),
  );
}
