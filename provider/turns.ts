import { setTimeout as delay } from 'node:timers/promises';

/**
 * Calls of a provider that may be called so many times a minute (MR-100). The database keeps the line, for all processes; this is
 * how a client asks for its turn.
 */

/** `rest`: what follows in something that is begun, such as a list's further pages. `sweep`: any page of the sweep. */
export type CallKind = 'look' | 'list' | 'sweep' | 'models' | 'content' | 'cancel' | 'delete' | 'rest';

export interface Call {
  readonly kind: CallKind;
  /** The provider's. */
  readonly name: string;
  readonly identity: string;
  readonly requestsPerMinute: number;
}

/** Returns when the call may be made, once. Raises when it may not be made now. */
export type TakeTurn = (call: Call) => Promise<void>;

/** `waitMs` 0: the turn is taken. */
interface Turn {
  readonly waitMs: number;
  /** How many calls wait. */
  readonly waiting: number;
}

/** All calls that the provider may get are made: this one was not made, and proves nothing. */
export class NoTurn extends Error {
  constructor(readonly waiting: number) {
    super('The provider may not be called more often.');
  }
}

/** The rest of a list must not begin again for want of a turn. */
const REST_WITHIN_MS = 60_000;

/** Asks for a turn; the rest of something that is begun waits here for its own, a minute at most. */
export async function askForTurn(kind: CallKind, ask: () => Promise<Turn>, signal?: AbortSignal): Promise<Turn> {
  const endsAtMs = performance.now() + (kind === 'rest' ? REST_WITHIN_MS : 0);
  for (;;) {
    const turn = await ask();
    if (turn.waitMs === 0 || performance.now() + turn.waitMs > endsAtMs) return turn;
    await delay(turn.waitMs, undefined, signal === undefined ? {} : { signal });
  }
}

interface OnceWanted {
  readonly provider: string;
  readonly requestsPerMinute: number;
  readonly urgency: 'urgent' | 'other';
  readonly waiter: null;
}

/** For calls that don't come again by themselves. Raises `NoTurn`. Probes and the doctor go first, for they are few. */
export function takeTurnOrNone(ask: (wanted: OnceWanted) => Promise<Turn>): TakeTurn {
  return async ({ kind, identity, requestsPerMinute }) => {
    const urgency = kind === 'content' || kind === 'delete' ? 'other' : 'urgent';
    const wanted = { provider: identity, requestsPerMinute, urgency, waiter: null } as const;
    const { waitMs, waiting } = await askForTurn(kind, () => ask(wanted));
    if (waitMs > 0) throw new NoTurn(waiting);
  };
}
