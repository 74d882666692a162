import type { Database } from './database.ts';
import { row, rows } from './query.ts';
import { defineStatement, t, type RowOf } from './statement.ts';

const OPEN = defineStatement({
  name: 'list_open_videos',
  text: `SELECT g.id AS "generationId", g.provider_canonical_id AS "canonicalId", g.provider_created_at AS "createdAt"
    FROM generations g
    WHERE g.state = 'held' AND g.provider = $1 AND g.provider_verdict = 'open' AND g.provider_id_contested_at IS NULL
      -- A lookup for each open video, however many rows that table has.
      AND COALESCE((SELECT n.listed_ended FROM provider_nudges n WHERE n.generation_id = g.id), 0) = 0
    ORDER BY g.id LIMIT 10000`,
  row: {
    generationId: t.text,
    canonicalId: t.notNull(t.text),
    /** On the provider's clock. */
    createdAt: t.nullable(t.timestamptz),
  },
});

/** A video that is open on our record, and whose workflow was not told yet that a list shows its end. */
export type OpenVideo = RowOf<typeof OPEN>;

/** The oldest 10,000 open videos at a provider. */
export async function listOpenVideos(db: Database, provider: string): Promise<OpenVideo[]> {
  return rows(db, OPEN, [provider]);
}

/** Why a sweep tells a workflow to look: the list shows its video ended, or does not show it any more. */
export type SweepReason = 'ended' | 'vanished';

const TAKE = defineStatement({
  name: 'take_sweep_nudges',
  text: 'SELECT generation_id AS "generationId" FROM take_sweep_nudges($1, $2) AS generation_id',
  row: { generationId: t.text },
});

/** Returns those of these generations whose workflow may be told to look, and counts that; each has a few for each reason (MR-87). */
export async function takeSweepNudges(
  db: Database,
  generationIds: readonly string[],
  why: SweepReason,
): Promise<string[]> {
  return (await rows(db, TAKE, [generationIds, why])).map(({ generationId }) => generationId);
}

const KEEP = defineStatement({
  name: 'keep_sweep',
  text: 'SELECT keep_sweep($1, $2, $3, $4, $5) AS "isMine"',
  row: { isMine: t.boolean },
});

/** What the last round of a list showed of the videos that were open. */
export interface Coverage {
  readonly shown: number;
  /** It did not show these in two rounds. */
  readonly missed: number;
}

/**
 * Takes or renews the right to sweep a provider's list, which one activity has at a time, and records what it has seen (null:
 * nothing new). A lease of 0 gives it back.
 */
export async function keepSweep(
  db: Database,
  provider: string,
  sweeper: string,
  leaseMs: number,
  coverage: Coverage | null,
): Promise<boolean> {
  const { isMine } = await row(db, KEEP, [
    provider,
    sweeper,
    leaseMs,
    coverage?.shown ?? null,
    coverage?.missed ?? null,
  ]);
  return isMine;
}

const TELLS = defineStatement({
  name: 'sweep_tells',
  text: 'SELECT sweep_tells($1) AS tells',
  row: { tells: t.boolean },
});

/** Whether a sweep is at work at this provider, and its list shows what is open. */
export async function sweepTells(db: Database, provider: string): Promise<boolean> {
  return (await row(db, TELLS, [provider])).tells;
}

const LIST = defineStatement({
  name: 'list_sweeps',
  text: `SELECT provider, greatest(0, extract(epoch FROM clock_timestamp() - lease_until) * 1000)::bigint AS "silentMs", sweep_tells(provider) AS tells
    FROM provider_sweeps ORDER BY provider LIMIT 200`,
  row: {
    provider: t.text,
    /** How long its lease is over; 0 while an activity sweeps it. */
    silentMs: t.bigint,
    /** Whether its list has shown what was open. */
    tells: t.boolean,
  },
});

export type Sweep = RowOf<typeof LIST>;

/** The providers whose lists were ever swept. */
export async function listSweeps(db: Database): Promise<Sweep[]> {
  return rows(db, LIST, []);
}
