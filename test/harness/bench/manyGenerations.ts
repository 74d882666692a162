import { createHash } from 'node:crypto';
import type pg from 'pg';

/** A year of generations, written as the functions would have left them, but by a few statements. */

const ACCOUNTS = 1000;
const account = (n: number) => `acct_${n.toString(16).padStart(32, '0')}`;
export const HOT_ACCOUNT = account(1);
export const ACCOUNT = account(2);
export const KEY = createHash('sha256').update('key_2').digest();

export interface Sample {
  readonly ofHot: readonly string[];
  readonly hotKeyId: string;
  readonly providerVideos: readonly string[];
}

const PRICE = 571_429;
/** Every tenth generation is the hot account's; the others go round. */
const OWNER = `'acct_' || lpad(to_hex(CASE WHEN n % 10 = 0 THEN 1 ELSE 2 + n % ${ACCOUNTS - 1} END), 32, '0')`;
/** The newest are held; of the others one in eight failed. */
const STATE = `CASE WHEN n > total - 300 THEN 'held' WHEN n % 8 = 0 THEN 'released' ELSE 'charged' END`;

const STEPS: readonly [string, string][] = [
  [
    'accounts and keys',
    `INSERT INTO accounts (id, name) SELECT 'acct_' || lpad(to_hex(n), 32, '0'), 'account ' || n FROM generate_series(1, ${ACCOUNTS}) n;
     INSERT INTO api_keys (id, account_id, name, key_sha256)
       SELECT 'key_' || lpad(to_hex(n), 32, '0'), 'acct_' || lpad(to_hex(n), 32, '0'), 'key', sha256(('key_' || n)::bytea) FROM generate_series(1, ${ACCOUNTS}) n;
     INSERT INTO journal_transactions (key, kind, account_id, requested_microcredits, available_microcredits, issued_microcredits,
         available_after_microcredits, held_after_microcredits, recorded_at)
       SELECT 'grant:' || id || ':first', 'grant', id, 1000000000000, 1000000000000, -1000000000000, 1000000000000, 0, now() - interval '370 days' FROM accounts;
     INSERT INTO account_operations (account_id, key, kind, requested_microcredits, outcome, moved_microcredits, transaction_id)
       SELECT account_id, 'first', 'grant', requested_microcredits, 'granted', available_microcredits, id FROM journal_transactions`,
  ],
  [
    'generations',
    `CREATE TEMP TABLE planned AS
       SELECT *, 'video_' || lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || lpad(to_hex(n), 20, '0') AS id
       FROM (SELECT n, ${OWNER} AS account_id, ${STATE} AS state,
           CASE WHEN n > total - 300 THEN now() - (total - n) * interval '10 s'
             ELSE now() - interval '1 hour' - (total - n) * (interval '365 days' / total) END AS at
         FROM generate_series(1, TOTAL) n, (SELECT TOTAL AS total) t) numbered;
     INSERT INTO generations (id, account_id, api_key_id, state, requested_at, admit_by, known_at, fingerprint, model, seconds, size, price_id, offer_id, amount_microcredits,
         provider, provider_video_id, provider_canonical_id, provider_verdict, provider_status, provider_progress,
         credits_charged, charged_amount_microcredits, settled_at, settlement_reason, error_code, error_message, duration_ms, counts_as_active, event_sequence)
       SELECT id, account_id, 'key_' || substr(account_id, 6), state, at, at + interval '30 s', CASE WHEN n % 50 <> 0 THEN at END, sha256(id::bytea), 'sora-2', 4, '720x1280', 1, 1, ${PRICE},
         'openai@http://provider', 'at_' || id, 'at_' || id, CASE state WHEN 'held' THEN 'open' WHEN 'charged' THEN 'completed' ELSE 'failed' END, 'x', 50,
         CASE state WHEN 'held' THEN NULL ELSE state = 'charged' END, CASE state WHEN 'charged' THEN ${PRICE} END,
         CASE WHEN state <> 'held' THEN at + interval '2 minutes' END, CASE state WHEN 'charged' THEN 'completed' WHEN 'released' THEN 'provider_failed' END,
         CASE state WHEN 'released' THEN 'moderation_blocked' END, NULL, CASE state WHEN 'charged' THEN 120000 END, state = 'held', 5
       FROM planned`,
  ],
  [
    'inputs, holds and attempts',
    `INSERT INTO inputs (generation_id, prompt) SELECT id, 'a red fox runs through fresh snow, take ' || n FROM planned;
     INSERT INTO holds (id, generation_id, account_id, amount_microcredits, state, placed_at, expires_at, settled_at)
       SELECT 'hold_' || substr(id, 7), id, account_id, ${PRICE}, CASE state WHEN 'held' THEN 'active' WHEN 'charged' THEN 'captured' ELSE 'released' END,
         at, at + interval '1 hour', CASE WHEN state <> 'held' THEN at + interval '2 minutes' END FROM planned;
     INSERT INTO provider_attempts (generation_id, number, begun_at, ended_at, outcome, visible_sha256) SELECT id, 1, at, at, 'created', sha256(id::bytea) FROM planned`,
  ],
  [
    'journal',
    `CREATE TEMP TABLE moved AS
       SELECT id, account_id, at, 'hold' AS kind, ':hold' AS step, -${PRICE}::bigint AS available, ${PRICE}::bigint AS held, 0::bigint AS revenue, NULL AS reason FROM planned
       UNION ALL
       SELECT id, account_id, at + interval '2 minutes', CASE state WHEN 'charged' THEN 'capture' ELSE 'release' END, ':settle',
         CASE state WHEN 'charged' THEN 0 ELSE ${PRICE} END, -${PRICE}, CASE state WHEN 'charged' THEN ${PRICE} ELSE 0 END, 'completed'
       FROM planned WHERE state <> 'held'
       UNION ALL
       SELECT id, account_id, at + interval '3 minutes', 'refund', ':refund:r', 1000, 0, -1000, 'sorry' FROM planned WHERE state = 'charged' AND n % 100 = 1;
     INSERT INTO journal_transactions (key, kind, account_id, generation_id, requested_microcredits, reason,
         available_microcredits, held_microcredits, revenue_microcredits, available_after_microcredits, held_after_microcredits, recorded_at)
       SELECT id || step, kind, account_id, id, ${PRICE}, reason, available, held, revenue,
         1000000000000 + sum(available) OVER upto, sum(held) OVER upto, at
       FROM moved WINDOW upto AS (PARTITION BY account_id ORDER BY at, id, step) ORDER BY at, id, step;
     INSERT INTO refunds (generation_id, key, requested_microcredits, reason, amount_microcredits, refunded_before_microcredits, captured_microcredits, transaction_id)
       SELECT generation_id, 'r', 1000, 'sorry', 1000, 0, ${PRICE}, id FROM journal_transactions WHERE kind = 'refund';
     UPDATE accounts a SET available_microcredits = t.available_after_microcredits, held_microcredits = t.held_after_microcredits,
         active_generations = (SELECT count(*) FROM generations g WHERE g.account_id = a.id AND g.counts_as_active)
       FROM (SELECT DISTINCT ON (account_id) * FROM journal_transactions ORDER BY account_id, id DESC) t WHERE t.account_id = a.id`,
  ],
  [
    'events and idempotency keys',
    `INSERT INTO generation_events (generation_id, sequence, kind, data, recorded_at)
       SELECT id, s, (ARRAY['requested', 'held', 'attempt_begun', 'attempt_created', 'charged'])[s], '{"amount_microcredits": ${PRICE}}', at FROM planned, generate_series(1, 5) s
       WHERE n % 5 = 0 OR account_id = '${HOT_ACCOUNT}';
     INSERT INTO idempotency_keys (account_id, key, fingerprint, generation_id, answer_status) SELECT account_id, 'key ' || n, sha256(id::bytea), id, 200 FROM planned WHERE n % 4 = 0`,
  ],
  [
    'labels',
    `INSERT INTO generation_labels (generation_id, account_id, place, name, value)
       SELECT id, account_id, 0, '', 'user-' || n % 50000 FROM planned
       UNION ALL SELECT id, account_id, 1, 'campaign', 'campaign ' || n % 20 FROM planned
       UNION ALL SELECT id, account_id, 2, 'order', 'order ' || n FROM planned`,
  ],
  [
    'contents',
    `INSERT INTO contents (generation_id, variant, state, bytes, sha256, content_type, location, recorded_at)
       SELECT id, v, 'archived', 5000000, sha256(id::bytea), 'video/mp4', id || '/' || v, at + interval '3 minutes'
       FROM planned, unnest('{video,thumbnail}'::text[]) v WHERE state = 'charged'`,
  ],
];

/** Loads this many generations into an empty ledger; calls `onStep` before each step. */
export async function loadGenerations(
  admin: pg.Client,
  generations: number,
  onStep: (what: string) => void,
): Promise<Sample> {
  await admin.query("SET session_replication_role = replica; SET synchronous_commit = off; SET work_mem = '256MB'");
  for (const [what, sql] of STEPS) {
    onStep(what);
    await admin.query(sql.replaceAll('TOTAL', String(generations)));
  }
  onStep('vacuum and analyze');
  await admin.query('VACUUM ANALYZE');
  await admin.query('CHECKPOINT');
  const { rows } = await admin.query<{ id: string; video: string }>(
    `SELECT id, provider_video_id AS video FROM generations WHERE account_id = $1 AND id LIKE 'video\\_%' ORDER BY md5(id) LIMIT 1000`,
    [HOT_ACCOUNT],
  );
  return {
    ofHot: rows.map(({ id }) => id),
    hotKeyId: `key_${HOT_ACCOUNT.slice(5)}`,
    providerVideos: rows.slice(0, 50).map(({ video }) => video),
  };
}
