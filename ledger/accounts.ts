import { inTurn } from './accountTurns.ts';
import type { Pool } from '../store/pool.ts';
import { row } from '../store/query.ts';

const OPEN_ACCOUNT = {
  name: 'open_account',
  text: 'SELECT outcome, created_at AS "createdAt", replayed FROM open_account($1, $2)',
};

/** `id_reused`: an account of that id has another name. */
export type OpenedAccount = {
  readonly outcome: 'opened' | 'id_reused';
  readonly createdAt: Date;
  readonly replayed: boolean;
};

/** Opens an account with nothing in it; once an id. */
export async function openAccount(pool: Pool, id: string, name: string): Promise<OpenedAccount> {
  return row(pool, OPEN_ACCOUNT, [id, name]);
}

const SET_FROZEN = {
  name: 'set_account_frozen',
  text: 'SELECT outcome, replayed FROM set_account_frozen($1, $2, $3, $4)',
};

export type Frozen = {
  readonly outcome: 'frozen' | 'already_frozen' | 'unfrozen' | 'not_frozen' | 'key_reused' | 'unknown_account';
  readonly replayed: boolean;
};

/** Freezes an account, so that it gets no new holds (what it holds settles as ever), or lets it go on; once a key. */
export async function setAccountFrozen(
  pool: Pool,
  change: { accountId: string; frozen: boolean; reason: string; idempotencyKey: string },
): Promise<Frozen> {
  return row(pool, SET_FROZEN, [change.accountId, change.frozen, change.reason, change.idempotencyKey]);
}

export interface Balance {
  readonly availableMicrocredits: number;
  readonly heldMicrocredits: number;
  /** How many active holds there are, by what they are for. */
  readonly heldVideos: number;
  readonly heldScripts: number;
  readonly heldThreads: number;
  readonly activeGenerations: number;
  readonly maxActiveGenerations: number;
  readonly isFrozen: boolean;
}

const GET_BALANCE = {
  name: 'get_balance',
  text: `SELECT a.available_microcredits AS "availableMicrocredits", a.held_microcredits AS "heldMicrocredits",
      h.videos AS "heldVideos", h.scripts AS "heldScripts", h.threads AS "heldThreads",
      a.active_generations AS "activeGenerations", a.max_active_generations AS "maxActiveGenerations",
      a.frozen_at IS NOT NULL AS "isFrozen"
    FROM accounts a, LATERAL (SELECT
        count(*) FILTER (WHERE generation_id LIKE 'video%') AS videos,
        count(*) FILTER (WHERE generation_id LIKE 'script%') AS scripts,
        count(*) FILTER (WHERE generation_id LIKE 'thread%') AS threads
      FROM holds WHERE account_id = a.id AND state = 'active') h
    WHERE a.id = $1`,
};

export async function getBalance(pool: Pool, accountId: string): Promise<Balance> {
  return row(pool, GET_BALANCE, [accountId]);
}

export type Grant =
  | {
      readonly outcome: 'granted';
      readonly transactionId: number;
      /** What was moved: less than asked for when a claw-back met a smaller balance. */
      readonly movedMicrocredits: number;
      readonly availableMicrocredits: number;
      readonly replayed: boolean;
    }
  | { readonly outcome: 'key_reused' | 'nothing_available' | 'too_large' | 'unknown_account' };

const GRANT = {
  name: 'grant_credits',
  text: `SELECT outcome, transaction_id AS "transactionId", moved_microcredits AS "movedMicrocredits",
      available_microcredits AS "availableMicrocredits", replayed FROM grant_credits($1, $2, $3, $4)`,
};

/** Grants, or claws back a negative amount as far as it is available; once a key. */
export async function grantCredits(
  pool: Pool,
  grant: { accountId: string; amountMicrocredits: number; reason: string; idempotencyKey: string },
): Promise<Grant> {
  return inTurn(pool, grant.accountId, () =>
    row(pool, GRANT, [grant.accountId, grant.amountMicrocredits, grant.reason, grant.idempotencyKey]),
  );
}
