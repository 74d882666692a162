import type { Effect, Fault, Step } from './faultyWire.ts';
import type { RealServer } from './servers.ts';
import type { Seen } from './seen.ts';

/** How an order must end: `either` where the server's list can't tell, and the hold may wait for its end. */
export type Ending = 'charged' | 'released' | 'either';

/** One order that is made, watched and settled through a fault. */
export interface Case {
  /** In the prompt and in the table. */
  readonly name: string;
  readonly title: string;
  /** What the server is told to do; null: it can't, so the case is left out. */
  readonly words: (server: RealServer) => string | null;
  readonly faults: readonly Fault[];
  readonly orders: number;
  readonly ends: (server: RealServer) => Ending;
  /** What else must hold; undefined when it does. */
  readonly check: (seen: Seen, server: RealServer) => string | undefined;
}

const QUICKLY = '[[after:1s]]';

/** A video that succeeds, but for `changes`. */
export function plain(name: string, title: string, changes: Partial<Case> = {}): Case {
  return {
    name,
    title,
    words: () => QUICKLY,
    faults: [],
    orders: 1,
    ends: () => 'charged',
    check: () => undefined,
    ...changes,
  };
}

const fails = { ends: () => 'released' as const };

/** The first look that could know of the failure ends it, and operators are told the provider's own reason. */
function showsReason(reason: RegExp) {
  return ({ standing: { told }, error, terminalPolls }: Seen): string | undefined => {
    if (!reason.test(`${error?.code ?? ''} ${told ?? ''}`)) return `operators are told "${told ?? ''}"`;
    if (error === null) return 'the customer is told nothing';
    return terminalPolls === 1 ? undefined : `${terminalPolls} looks saw the failure`;
  };
}

/** The customer's fault at once, in plain words: a server's own would mean nothing to a customer. */
function showsRefusal({ error, creates, standing }: Seen): string | undefined {
  const shown = `${error?.code ?? ''} ${error?.message ?? ''}`;
  if (/litellm|exception|model group|fallback|traceback|HTTP \d/i.test(shown)) return `shown: ${shown}`;
  if (standing.reason !== 'submission_refused') return `it was released as ${standing.reason ?? ''}`;
  return creates === 1 ? undefined : `it was sent ${creates} times`;
}

export const EFFECTS: Readonly<Record<Effect, string>> = {
  reset: 'connection reset before the server got the request',
  '502': '502 of a gateway, the server got nothing',
  lost: 'reply lost',
  hang: 'no answer until our time-out',
  '502-after': '502 of a gateway after the server did it',
  cut: 'broken off in the middle',
};

/** Effects of which the list can tell nothing, because nothing was made. */
const NOTHING_MADE: readonly Effect[] = ['reset', '502'];

/** How an order ends whose create was not answered: by what the list can tell. */
function afterLostCreate({ habits: { list } }: RealServer, effect: Effect = 'lost'): Ending {
  switch (list) {
    case 'whole':
      return 'charged';
    case 'partial':
      return NOTHING_MADE.includes(effect) ? 'released' : 'charged';
    case 'without prompts':
    case 'newest':
      return 'either';
    case 'none':
      return 'released';
  }
}

/** An outage of the step. */
function outage(step: Step, effect: Effect, times = 1): Case {
  return plain(`${step}-${effect}`, `${step}: ${EFFECTS[effect]}`, {
    faults: [{ step, effect, times }],
    ends: (server) => (step === 'create' ? afterLostCreate(server, effect) : 'charged'),
  });
}

export const CASES: readonly Case[] = [
  plain('success', 'success'),
  plain('failure', 'failure with a reason', {
    ...fails,
    words: ({ prompts }) => prompts.failure,
    check: showsReason(/the GPU fell over/),
  }),
  plain('moderation', 'moderation while it is made', {
    ...fails,
    words: ({ prompts }) => prompts.moderation,
    check: showsReason(/moderation|safety|guardrail/i),
  }),
  plain('refused-content', 'refused at create: content policy', {
    ...fails,
    words: ({ refusals }) => refusals.moderation,
    check: showsRefusal,
  }),
  plain('refused-input', 'refused at create: invalid input', {
    ...fails,
    words: ({ refusals }) => refusals.invalid,
    check: showsRefusal,
  }),
  ...(['reset', '502', 'lost', 'hang', '502-after'] as const).map((effect) => outage('create', effect)),
  plain('twins', 'create: two equal orders, one reply lost', {
    faults: [{ step: 'create', effect: 'lost', times: 1 }],
    orders: 2,
    // One of them was answered.
    ends: (server) => (afterLostCreate(server) === 'charged' ? 'charged' : 'either'),
  }),
  plain('list-502', 'list: 502 twice, after a lost create', {
    faults: [
      { step: 'create', effect: 'lost', times: 1 },
      { step: 'list', effect: '502', times: 2 },
    ],
    ends: (server) => afterLostCreate(server),
  }),
  ...(['reset', '502', 'lost', 'hang'] as const).map((effect) => outage('poll', effect, effect === 'hang' ? 1 : 3)),
  ...(['reset', '502', 'cut', 'hang'] as const).map((effect) => outage('content', effect, effect === 'hang' ? 1 : 2)),
];
