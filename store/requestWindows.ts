import type { Database } from './database.ts';
import { row } from './query.ts';
import { defineStatement, t, type RowOf } from './statement.ts';

export interface WantedRequests {
  /** The first key of the rotations, which share their rate. */
  readonly key: string;
  readonly requestsPerMinute: number;
  readonly wanted: number;
}

const LEASE = defineStatement({
  name: 'lease_requests',
  text: 'SELECT leased, ends_in_ms AS "endsInMs" FROM lease_requests($1, $2, $3)',
  row: {
    /** Fewer than wanted: the window has no more. */
    leased: t.integer,
    /** When the window ends, from the moment of the call. */
    endsInMs: t.integer,
  },
});

export type LeasedRequests = RowOf<typeof LEASE>;

/** Takes requests of a key's minute for this process, from all processes together. */
export async function leaseRequests(
  db: Database,
  { key, requestsPerMinute, wanted }: WantedRequests,
): Promise<LeasedRequests> {
  return row(db, LEASE, [key, requestsPerMinute, wanted]);
}
