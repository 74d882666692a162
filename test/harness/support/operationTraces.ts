import type pg from 'pg';

/** An event of a generation, and the journal's row of its hold or of its settlement. */
const event = (...kinds: string[]) =>
  `EXISTS (SELECT FROM generation_events WHERE generation_id = $1 AND kind IN (${kinds.map((kind) => `'${kind}'`).join(', ')}))`;
const posted = (step: 'hold' | 'settle') =>
  `EXISTS (SELECT FROM journal_transactions WHERE key = $1 || ':${step}' AND generation_id = $1)`;
const generation = (condition: string) => `EXISTS (SELECT FROM generations WHERE id = $1 AND (${condition}))`;
/** A grant that was refused has no transaction. */
const moved = `EXISTS (SELECT FROM account_operations WHERE account_id = $1 AND key = $2 AND kind = 'grant' AND outcome <> 'granted')
  OR EXISTS (SELECT FROM journal_transactions WHERE key = 'grant:' || $1 || ':' || $2)`;
const operated = 'EXISTS (SELECT FROM account_operations WHERE account_id = $1 AND key = $2)';
/** Only its key records an admission that was refused for lack of credits. */
const admitted = (trace: string) =>
  `EXISTS (SELECT FROM idempotency_keys WHERE key = $2 AND answer_status = 402) OR ${trace}`;
const refused = (trace: string) => `${generation(`state = 'refused'`)} OR ${trace}`;

/** For each kind of operation, all its rows: either all exist or none. $1 is the operation's subject, $2 its key. */
export const TRACES = {
  'open account': ['EXISTS (SELECT FROM accounts WHERE id = $1)'],
  grant: [operated, moved],
  'claw back': [operated, moved],
  freeze: [operated],
  unfreeze: [operated],
  'set price': ['EXISTS (SELECT FROM prices WHERE key = $1)'],
  admit: [
    'EXISTS (SELECT FROM idempotency_keys WHERE key = $2)',
    admitted('EXISTS (SELECT FROM idempotency_keys WHERE key = $2 AND generation_id = $1)'),
    admitted(generation('true')),
    // A refusal erases the request's content.
    admitted(`${generation(`state IN ('refused', 'voided')`)} OR EXISTS (SELECT FROM inputs WHERE generation_id = $1)`),
    admitted(event('requested')),
  ],
  'place hold': [
    generation(`state <> 'requested'`),
    event('held', 'refused'),
    refused('EXISTS (SELECT FROM holds WHERE generation_id = $1)'),
    refused(posted('hold')),
    refused(generation('counts_as_active OR credits_charged IS NOT NULL')),
  ],
  'begin create': [
    'EXISTS (SELECT FROM provider_attempts WHERE generation_id = $1)',
    event('attempt_begun'),
    generation('provider IS NOT NULL'),
  ],
  'end create': [
    'EXISTS (SELECT FROM provider_attempts WHERE generation_id = $1 AND outcome IS NOT NULL)',
    event('attempt_created', 'submission_refused'),
    `${event('submission_refused')} OR ${generation('provider_video_id IS NOT NULL')}`,
  ],
  'record look': [generation(`provider_verdict <> 'open'`), event('seen')],
  settle: [
    generation(`state IN ('charged', 'released')`),
    generation('credits_charged IS NOT NULL'),
    `EXISTS (SELECT FROM holds WHERE generation_id = $1 AND state <> 'active')`,
    posted('settle'),
    event('charged', 'released'),
  ],
  refund: [
    'EXISTS (SELECT FROM refunds WHERE generation_id = $1 AND key = $2)',
    `EXISTS (SELECT FROM journal_transactions WHERE key = $1 || ':refund:' || $2)`,
    `(SELECT count(*) FROM generation_events WHERE generation_id = $1 AND kind = 'credits_refunded') =
      (SELECT count(*) FROM refunds WHERE generation_id = $1) AND EXISTS (SELECT FROM refunds WHERE generation_id = $1 AND key = $2)`,
  ],
} as const;

/** Whether the operation is in the database: wholly, not at all, or in part. */
export async function tracesOf(
  admin: pg.Pool,
  { kind, subject, key }: { kind: keyof typeof TRACES; subject: string; key: string | null },
): Promise<'done' | 'not done' | 'half done'> {
  const list = TRACES[kind].map((trace) => `(${trace})`).join(', ');
  const text = `SELECT ARRAY[${list}] AS found`.replaceAll('$1', '$1::text').replaceAll('$2', '$2::text');
  const values = text.includes('$2') ? [subject, key] : [subject];
  const [{ found } = { found: [] }] = (await admin.query<{ found: boolean[] }>(text, values)).rows;
  if (found.every(Boolean)) return 'done';
  return found.some(Boolean) ? 'half done' : 'not done';
}

/** Generations and accounts with contradictory records. */
const HALVES = `
  SELECT g.id FROM generations g
    LEFT JOIN holds h ON h.generation_id = g.id
    LEFT JOIN journal_transactions held ON held.key = g.id || ':hold'
    LEFT JOIN journal_transactions settled ON settled.key = g.id || ':settle'
  WHERE (h.id IS NOT NULL) <> (g.state IN ('held', 'charged', 'released')) OR (h.id IS NOT NULL) <> (held.id IS NOT NULL)
    OR (h.state IS NOT DISTINCT FROM 'active') <> (g.state = 'held')
    OR (h.state IS NOT DISTINCT FROM 'captured') <> (g.state = 'charged' AND settled.kind IS NOT DISTINCT FROM 'capture')
    OR (h.state IS NOT DISTINCT FROM 'released') <> (g.state = 'released' AND settled.kind IS NOT DISTINCT FROM 'release')
    OR (settled.id IS NOT NULL) <> (h.settled_at IS NOT NULL) OR (settled.id IS NOT NULL) <> (g.settled_at IS NOT NULL)
    OR g.event_sequence <> (SELECT count(*) FROM generation_events e WHERE e.generation_id = g.id)
    OR (SELECT count(*) FROM generation_events e WHERE e.generation_id = g.id AND e.kind IN ('charged', 'released'))
      <> CASE WHEN settled.id IS NULL THEN 0 ELSE 1 END
    OR (SELECT count(*) FROM generation_events e WHERE e.generation_id = g.id AND e.kind = 'credits_refunded')
      <> (SELECT count(*) FROM refunds r WHERE r.generation_id = g.id)
  UNION ALL
  SELECT a.id FROM accounts a LEFT JOIN LATERAL (
    SELECT o.kind FROM account_operations o WHERE o.account_id = a.id AND o.outcome IN ('frozen', 'unfrozen')
    ORDER BY o.recorded_at DESC LIMIT 1) AS last ON true
  WHERE (a.frozen_at IS NOT NULL) <> (last.kind IS NOT DISTINCT FROM 'freeze')`;

/** Ids of generations and accounts with a half-done operation; there must be none. */
export async function findHalves(admin: pg.Pool): Promise<string[]> {
  return (await admin.query<{ id: string }>(HALVES)).rows.map(({ id }) => id);
}

/** A digest of every row of every table, by table: the same while nothing has changed. */
export async function fingerprint(admin: pg.Pool): Promise<Record<string, string>> {
  const { rows: tables } = await admin.query<{ name: string }>(
    `SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'holdfast' ORDER BY 1`,
  );
  const digests = tables.map(async ({ name }) => {
    const { rows } = await admin.query<{ digest: string }>(
      `SELECT concat(count(*), ' ', md5(string_agg(md5(t::text), '' ORDER BY md5(t::text)))) AS digest FROM ${name} t`,
    );
    return [name, rows[0]?.digest ?? ''];
  });
  return Object.fromEntries(await Promise.all(digests)) as Record<string, string>;
}
