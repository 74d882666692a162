import type { Database } from './database.ts';
import type { Identified } from './identities.ts';
import { row, rows } from './query.ts';
import { defineStatement, t, type RowOf } from './statement.ts';

const RECORD = defineStatement({
  name: 'record_provider_probe',
  text: 'SELECT record_provider_probe($1, $2, $3, $4) AS "isDown"',
  row: { isDown: t.boolean },
});

/**
 * Records what the process `prober` saw when it probed a provider: `why` it failed, null when it was answered. Returns whether the
 * provider is down by the probes of all processes, so that nothing new is begun there (MR-76).
 */
export async function recordProbe(
  db: Database,
  prober: string,
  provider: Identified & { readonly isDefault: boolean },
  why: string | null,
): Promise<boolean> {
  return (await row(db, RECORD, [prober, provider.identity, provider.isDefault, why])).isDown;
}

const LIST = defineStatement({
  name: 'list_probed',
  text: `SELECT provider, provider_is_down(provider) AS "isDown", min(failing_since) AS "failingSince",
      (array_agg(why ORDER BY last_at DESC) FILTER (WHERE why IS NOT NULL))[1] AS why
    FROM provider_probes WHERE last_at > clock_timestamp() - interval '1 minute' GROUP BY provider ORDER BY provider LIMIT 200`,
  row: {
    /** As it is bound to generations: name and origin. */
    provider: t.text,
    isDown: t.boolean,
    failingSince: t.nullable(t.timestamptz),
    why: t.nullable(t.text),
  },
});

/** A provider as the processes that probe it see it. */
export type Probed = RowOf<typeof LIST>;

/** The providers that were probed in the last minute. */
export async function listProbed(db: Database): Promise<Probed[]> {
  return rows(db, LIST, []);
}
