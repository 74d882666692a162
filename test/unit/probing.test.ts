import { expect, it } from 'vitest';
import { keepProbing } from '../../worker/probing.ts';

/** The loop of a worker that probes the providers. */

interface Round {
  readonly why?: string | null;
  readonly isDown?: boolean;
  readonly fails?: boolean;
}

/** Probes one provider by these rounds; returns what was recorded, observed and logged. */
async function probed(rounds: readonly Round[]) {
  const stopping = new AbortController();
  const seen = { recorded: [] as (string | null)[], observed: [] as boolean[], logged: [] as string[] };
  let turn = 0;
  const round = () => rounds[turn] ?? {};
  const say = (_fields: object, message: string) => seen.logged.push(message.replace(/:.*/, ''));
  await keepProbing(
    [
      {
        name: 'openai',
        identity: 'openai@http://a',
        isDefault: true,
        requestsPerMinute: null,
        probe: async () => {
          const { why } = round();
          if (why === null) turn += 1;
          return why;
        },
      },
    ],
    {
      record: async (_provider, why) => {
        const { isDown = false, fails = false } = round();
        turn += 1;
        if (turn === rounds.length) stopping.abort();
        if (fails) throw new Error('the database is away');
        seen.recorded.push(why);
        return isDown;
      },
      observe: (_provider, isUp) => seen.observed.push(isUp),
      log: { warn: say, info: say } as never,
      ...{ stopping: stopping.signal, everyMs: 1, againAfterMs: 1 },
    },
  );
  return seen;
}

it('every probe is recorded, and a provider that goes down or comes back is logged once', async () => {
  const down = { why: 'HTTP 503', isDown: true };
  expect(await probed([{}, { why: 'HTTP 503' }, down, down, down, {}, {}])).toEqual({
    recorded: [null, 'HTTP 503', 'HTTP 503', 'HTTP 503', 'HTTP 503', null, null],
    observed: [true, true, false, false, false, true, true],
    logged: ['the provider does not answer our probes', 'the provider answers our probes again'],
  });
});

it('what was not asked, for want of a turn, is no failure and no answer', async () => {
  expect(await probed([{ why: null }, { why: 'HTTP 503' }, { why: null }, {}])).toMatchObject({
    recorded: ['HTTP 503', null],
    observed: [true, true],
    logged: [],
  });
});

it('a database that is away ends no probing', async () => {
  const { recorded, logged } = await probed([{ fails: true }, { fails: true }, {}, {}]);
  expect(recorded).toEqual([null, null]);
  expect(new Set(logged)).toEqual(new Set(['a probe of the provider could not be recorded']));
});
