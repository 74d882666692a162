import type { Database } from './database.ts';
import { CALLER, CALLER_COLUMNS, type FoundKey, toFoundKey } from './keys.ts';
import { row, rows } from './query.ts';
import { defineStatement, t } from './statement.ts';

/** Sessions of the console: each stands for a key, and is found by the hash of its token. */

export interface NewConsoleSession {
  readonly tokenHash: Buffer;
  /** A link opens one session, once. */
  readonly kind: 'session' | 'link';
  /** Null: it stands for the admin key. */
  readonly apiKeyId: string | null;
  readonly lifetimeSeconds: number;
}

const OPEN = defineStatement({
  name: 'open_console_session',
  text: 'SELECT open_console_session($1, $2, $3, $4)',
  row: {},
});

/** Opens a session, or adds a link. A key has at most twenty of each; the oldest one makes room. */
export async function openConsoleSession(
  db: Database,
  { tokenHash, kind, apiKeyId, lifetimeSeconds }: NewConsoleSession,
): Promise<void> {
  await row(db, OPEN, [tokenHash, kind, apiKeyId, lifetimeSeconds]);
}

const REDEEM = defineStatement({
  name: 'redeem_console_link',
  text: 'SELECT redeem_console_link($1, $2, $3) AS redeemed',
  row: { redeemed: t.boolean },
});

/** Opens a session with a link, which is used up; false if it can't be used, or can't any more. */
export async function redeemConsoleLink(
  db: Database,
  link: { readonly linkHash: Buffer; readonly sessionHash: Buffer; readonly lifetimeSeconds: number },
): Promise<boolean> {
  return (await row(db, REDEEM, [link.linkHash, link.sessionHash, link.lifetimeSeconds])).redeemed;
}

const CLOSE = defineStatement({ name: 'close_console_session', text: 'SELECT close_console_session($1)', row: {} });

/** Ends a session. */
export async function closeConsoleSession(db: Database, tokenHash: Buffer): Promise<void> {
  await row(db, CLOSE, [tokenHash]);
}

const STANDING = `s.token_hash = $1 AND s.kind = 'session' AND s.expires_at > clock_timestamp()`;

const FIND_CALLER = defineStatement({
  name: 'find_console_caller',
  text: `SELECT ${CALLER} FROM console_sessions s JOIN api_keys k ON k.id = s.api_key_id WHERE ${STANDING}`,
  row: CALLER_COLUMNS,
});

/** The caller whose key a session stands for, as `findCaller` answers for the key itself; `unknown` if there is no such session. */
export async function findConsoleCaller(db: Database, tokenHash: Buffer): Promise<FoundKey> {
  const [found] = await rows(db, FIND_CALLER, [tokenHash]);
  const key = toFoundKey(found);
  return key.standing === 'valid' ? { ...key, caller: { ...key.caller, isConsole: true } } : key;
}

const IS_OPERATOR = defineStatement({
  name: 'is_operators_console_session',
  text: `SELECT EXISTS (SELECT FROM console_sessions s WHERE ${STANDING} AND s.api_key_id IS NULL) AS "isOperators"`,
  row: { isOperators: t.boolean },
});

/** Whether this is the session of an operator. */
export async function isOperatorsSession(db: Database, tokenHash: Buffer): Promise<boolean> {
  return (await row(db, IS_OPERATOR, [tokenHash])).isOperators;
}
