import type { Database } from './database.ts';
import { row } from './query.ts';
import { defineStatement, t, type RowOf } from './statement.ts';

/** How long a call of a provider can wait: `urgent` ones go first. */
export type CallUrgency = 'urgent' | 'create' | 'look' | 'other';

export interface WantedTurn {
  /** As it is bound to generations: name and origin. */
  readonly provider: string;
  readonly requestsPerMinute: number;
  readonly urgency: CallUrgency;
  /** Whose place in the line it is; null for a call that does not come again. */
  readonly waiter: string | null;
}

const TAKE = defineStatement({
  name: 'take_turn',
  text: 'SELECT wait_ms AS "waitMs", waiting FROM take_turn($1, $2, $3, $4)',
  row: {
    /** 0: the call may be made now, once. Else it may not, and comes again after so long. */
    waitMs: t.integer,
    /** How many calls wait for this provider now. */
    waiting: t.integer,
  },
});

/** Takes one of the calls that may be made of a provider in a minute, by all processes together (MR-100). */
export async function takeTurn(
  db: Database,
  { provider, requestsPerMinute, urgency, waiter }: WantedTurn,
): Promise<RowOf<typeof TAKE>> {
  return row(db, TAKE, [provider, requestsPerMinute, urgency, waiter]);
}
