import type { Case } from './cases.ts';
import { EFFECTS, plain } from './cases.ts';
import type { Bench } from './orders.ts';
import { API_KEY } from './servers.ts';

/** Each of them is an order whose work is struck while it goes on. */
export interface Struck {
  readonly one: Case;
  readonly strike: (bench: Bench, id: string, name: string) => Promise<void>;
}

const LONG = '[[after:15s]]';

/** A cancel at a server that can end its work: sent once, whatever becomes of it. */
function cancelled(one: Case): Struck {
  return {
    one: {
      ...one,
      check: ({ deletes }, { habits }) => {
        const due = habits.cancels ? 1 : 0;
        return deletes === due ? undefined : `${deletes} DELETEs were sent`;
      },
    },
    strike: async ({ books }, id) => {
      const { status } = await books.post(`/v1/videos/${id}/cancel`);
      if (status !== 200) throw new Error(`the cancel was answered with ${status}`);
    },
  };
}

/** What the server did, and nothing of it was heard; and what it never heard. */
const UNHEARD = [
  ['lost', 'released'],
  ['502', 'charged'],
] as const;

export const STRUCK: readonly Struck[] = [
  cancelled(
    plain('cancel', 'cancel while it is made', {
      words: () => LONG,
      ends: ({ habits }) => (habits.cancels ? 'released' : 'charged'),
    }),
  ),
  ...UNHEARD.map(([effect, ending]) =>
    cancelled(
      plain(`cancel-${effect}`, `cancel while it is made: ${EFFECTS[effect]}`, {
        words: ({ habits }) => (habits.cancels ? LONG : null),
        faults: [{ step: 'delete', effect, times: 1 }],
        ends: () => ending,
      }),
    ),
  ),
  {
    one: plain('forgotten', 'the server forgets it while it is made', {
      words: ({ habits }) => (habits.forgets ? '[[after:20s]]' : null),
      ends: () => 'released',
    }),
    strike: async ({ wire, target }, _id, name) => {
      const { status } = await fetch(`${target}/v1/videos/${wire.idOf(name) ?? ''}`, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${API_KEY}` },
      });
      if (status !== 200) throw new Error(`the server did not forget it: ${status}`);
    },
  },
];
