import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entered, Refused } from '../../api/door/door.ts';
import { Door } from '../../api/door/door.ts';
import { settled, VirtualClock } from '../harness/support/virtualClock.ts';

/** Who is let in, who waits and who is told to come again, on a clock that does not wait. */

function openDoor() {
  const clock = new VirtualClock();
  const closing = new AbortController();
  const refusals: Refused[] = [];
  const door = new Door(closing.signal, (why) => refusals.push(why), clock);
  const enter = (owner: string, onGone: (leave: () => void) => void = () => undefined) =>
    door.enter({ owner, request: owner, onGone });
  return { clock, door, refusals, enter, close: () => closing.abort() };
}

type Opened = ReturnType<typeof openDoor>;

/** A request, and what has become of it by now. */
interface Asked {
  readonly leave: (isHeld: boolean) => void;
  readonly hangUp: () => void;
  readonly state: 'inside' | 'waiting' | Refused;
}

async function ask({ enter }: Opened, owner: string): Promise<Asked> {
  let answer: Entered | undefined;
  let hangUp: () => void = () => undefined;
  void enter(owner, (leave) => (hangUp = leave)).then((entered) => (answer = entered));
  await settled();
  return {
    hangUp: () => hangUp(),
    leave(isHeld) {
      if (answer?.refused !== undefined || answer === undefined) throw new Error('it is not inside');
      answer.leave(isHeld);
    },
    get state() {
      return answer === undefined ? 'waiting' : (answer.refused ?? 'inside');
    },
  };
}

/** Somebody's requests, until the first one waits. */
async function fill(opened: Opened): Promise<Asked[]> {
  const asked: Asked[] = [];
  while (opened.door.waiting === 0) asked.push(await ask(opened, 'somebody'));
  return asked;
}

interface CrowdOptions {
  /** Starts a second that can end, this long after the crowd came. */
  readonly perSecond: (seconds: number) => number;
  /** How many requests each tenant sends. */
  readonly sizes: readonly number[];
  readonly order: 'mixed' | 'one tenant after the other';
  /** What they send in is sent within this time. */
  readonly withinMs?: number;
}

/** A crowd whose refused requests come again as told, and two single requests of another tenant meanwhile. */
async function meet({ perSecond, sizes, order, withinMs = 1500 }: CrowdOptions) {
  const { clock, door, enter, refusals } = openDoor();
  const told = new Map<number, number>();
  const counts = { returns: 0, returnsLetIn: 0 };
  let freeAtMs = 0;
  let longestRefusalMs = 0;
  /** One after the other at the machine, and never quicker than alone. */
  const serve = async () => {
    freeAtMs = Math.max(clock.nowMs(), freeAtMs) + 1000 / perSecond(clock.nowMs() / 1000);
    await clock.sleep(Math.max(60, freeAtMs - clock.nowMs()));
  };
  const comeUntilLetIn = async (owner: string, latenessMs: number) => {
    for (let isReturn = false; ; isReturn = true) {
      const askedMs = clock.nowMs();
      const entered: Entered = door.turnAway(owner) ?? (await enter(owner));
      if (isReturn) counts.returns += 1;
      if (entered.refused === undefined) {
        if (isReturn) counts.returnsLetIn += 1;
        await serve();
        entered.leave(true);
        return clock.nowMs() - askedMs;
      }
      longestRefusalMs = Math.max(longestRefusalMs, clock.nowMs() - askedMs);
      const backAtMs = clock.nowMs() + entered.retryAfterSeconds * 1000;
      const second = Math.floor(backAtMs / 1000);
      told.set(second, (told.get(second) ?? 0) + 1);
      await clock.sleep(backAtMs - clock.nowMs() + latenessMs);
    }
  };
  const owners = sizes.flatMap((size, tenant) => Array.from({ length: size }, () => `tenant ${tenant}`));
  // Every 389th: a prime, so each comes once.
  const place = (index: number) => (order === 'mixed' ? (index * 389) % owners.length : index);
  const crowd = owners.map(async (owner, index) => {
    await clock.sleep((place(index) / owners.length) * withinMs);
    return comeUntilLetIn(owner, (index * 37) % 1000);
  });
  const single = async (afterMs: number) => {
    await clock.sleep(afterMs);
    return comeUntilLetIn('newcomer', 0);
  };
  const [singles] = await clock.run(Promise.all([Promise.all([single(1000), single(8000)]), Promise.all(crowd)]));
  const tookSeconds = clock.nowMs() / 1000;
  return { ...counts, tookSeconds, longestRefusalMs, singles, refusals, mostToldFor: Math.max(...told.values()) };
}

const SIX = [250, 250, 250, 250, 250, 250];
const UNEQUAL = [1000, 300, 100, 50, 40, 10];

describe('a crowd of 1,500', () => {
  it.each([
    { name: 'of six tenants', sizes: SIX, order: 'mixed' as const },
    { name: 'of six tenants, one after the other', sizes: SIX, order: 'one tenant after the other' as const },
    { name: 'of six tenants who send unequal numbers', sizes: UNEQUAL, order: 'one tenant after the other' as const },
    { name: 'of one tenant', sizes: [1500], order: 'mixed' as const },
    { name: 'that takes four seconds to come', sizes: SIX, order: 'mixed' as const, withinMs: 4000 },
  ])('$name is begun in nearly the shortest time, by coming again as told', async (options) => {
    const met = await meet({ perSecond: () => 30, ...options });
    expect(met.tookSeconds).toBeLessThan(1500 / 30 / 0.85);
    expect(met.returnsLetIn / met.returns).toBeGreaterThan(0.9);
    expect(met.longestRefusalMs).toBe(0);
    expect(met.mostToldFor).toBeLessThan(45);
    expect(Math.max(...met.singles)).toBeLessThan(3000);
  });

  it.each([
    ['grows faster', (seconds: number) => Math.min(30, 15 + 1.5 * seconds)],
    ['grows slower', (seconds: number) => Math.max(20, 30 - seconds / 2)],
    ['stumbles at first', (seconds: number) => (seconds < 2 ? 8 : 30)],
  ])('is met by a server that %s', async (_, perSecond) => {
    const met = await meet({ perSecond, sizes: SIX, order: 'mixed' });
    expect(met.tookSeconds).toBeLessThan(95);
    expect(met.returnsLetIn / met.returns).toBeGreaterThan(0.8);
    expect(met.longestRefusalMs).toBeLessThan(2000);
    expect(Math.max(...met.singles)).toBeLessThan(4000);
  });
});

it('turns away, before its body is read, only a request that would be refused', async () => {
  const opened = openDoor();
  const { door, clock } = opened;
  expect(door.turnAway('tenant')).toBeUndefined();
  await fill(opened);
  while (door.turnAway('tenant') === undefined) expect((await ask(opened, 'tenant')).state).toBe('waiting');
  expect((await ask(opened, 'tenant')).state).toBe('crowd');
  expect(door.turnAway('newcomer')).toBeUndefined();
  const { retryAfterSeconds } = door.turnAway('tenant') ?? { retryAfterSeconds: 0 };
  await clock.pass(retryAfterSeconds * 1000 - 1500);
  expect(door.turnAway('tenant')).toMatchObject({ refused: 'crowd' });
  await clock.pass(1500);
  expect(door.turnAway('tenant')).toBeUndefined();
});

it('keeps room for those who were told to come: a new request of their account does not take it, another account’s waits', async () => {
  const opened = openDoor();
  await fill(opened);
  const crowd: Asked[] = [];
  for (let n = 0; n < 120; n += 1) crowd.push(await ask(opened, 'tenant'));
  expect(crowd.at(-1)?.state).toBe('crowd');
  for (const { hangUp } of crowd) hangUp();
  for (let n = 0; n < 35; n += 1) expect((await ask(opened, `tenant ${n}`)).state).toBe('waiting');
  await opened.clock.pass(1000);
  expect((await ask(opened, 'tenant')).state).toBe('crowd');
  expect((await ask(opened, 'newcomer')).state).toBe('waiting');
});

describe('who waits', () => {
  it('goes ahead of a crowd of another account, once its first has had its turn', async () => {
    const opened = openDoor();
    const [first, second] = await fill(opened);
    const crowd = [await ask(opened, 'somebody'), await ask(opened, 'somebody')];
    const newcomer = await ask(opened, 'newcomer');
    first?.leave(true);
    await settled();
    expect(newcomer.state).toBe('waiting');
    second?.leave(true);
    await settled();
    expect([newcomer.state, ...crowd.map(({ state }) => state)]).toEqual(['inside', 'waiting', 'waiting']);
  });

  it('and hangs up has left the line', async () => {
    const opened = openDoor();
    const [first] = await fill(opened);
    const next = await ask(opened, 'tenant');
    const waiting = opened.door.waiting;
    next.hangUp();
    next.hangUp();
    await settled();
    expect([next.state, opened.door.waiting, opened.door.isHere('tenant')]).toEqual(['gone', waiting - 1, false]);
    first?.leave(true);
    await settled();
    expect(next.state).toBe('gone');
  });

  it('while nothing ends is told so, and told when to come again; so is whoever comes then', async () => {
    const opened = openDoor();
    const waiting = (await fill(opened)).at(-1);
    await opened.clock.pass(4000);
    expect(waiting?.state).toBe('stalled');
    expect((await ask(opened, 'newcomer')).state).toBe('stalled');
    expect(opened.door.waiting).toBe(0);
    expect(await opened.enter('another')).toMatchObject({ refused: 'stalled', retryAfterSeconds: 5 });
  });

  it('at a shutdown is refused, and nobody waits any more; who is inside ends', async () => {
    const opened = openDoor();
    const asked = await fill(opened);
    opened.close();
    await settled();
    expect(asked.at(-1)?.state).toBe('closing');
    expect((await ask(opened, 'newcomer')).state).toBe('closing');
    expect(opened.door.waiting).toBe(0);
    asked[0]?.leave(true);
    expect((await ask(opened, 'newcomer')).state).toBe('inside');
  });
});

describe('the pace', () => {
  it('is measured by what was held: a thousand quick refusals make nobody believe that starts are quick', async () => {
    const opened = openDoor();
    for (let n = 0; n < 1000; n += 1) {
      const asked = await ask(opened, 'penniless');
      await opened.clock.pass(2);
      asked.leave(false);
    }
    expect(opened.door.perSecond).toBe(25);
  });

  it.each([
    ['alone, each in 50 ms', 1, 50, 40],
    ['ten at once, all in 200 ms', 10, 200, 50],
    ['two at once, both in a second', 2, 1000, 2],
  ])('of starts that end %s', async (_, atOnce, tookMs, perSecond) => {
    const opened = openDoor();
    for (let n = 0; n < 2000 / atOnce; n += 1) {
      const asked = await Promise.all(Array.from({ length: atOnce }, () => ask(opened, 'tenant')));
      await opened.clock.pass(tookMs);
      // The ones that follow see fewer inside.
      for (const { leave } of asked) leave(true);
    }
    expect(opened.door.perSecond).toBeGreaterThan(perSecond * 0.6);
    expect(opened.door.perSecond).toBeLessThan(perSecond * 1.2);
  });
});

it('whatever happens, each request is answered once, as many are inside as the door says, and nobody is left', async () => {
  const action = fc.record({
    what: fc.constantFrom('ask', 'ask', 'ask', 'leave', 'hang up', 'pass'),
    who: fc.nat(5),
    ms: fc.nat(3000),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 120 }), async (actions) => {
      const opened = openDoor();
      const asked: Asked[] = [];
      const inside = new Set<Asked>();
      const check = () => {
        for (const one of asked) if (one.state === 'inside' && !left.has(one)) inside.add(one);
        expect(opened.door.underWay).toBe(inside.size);
        expect(opened.door.waiting).toBe(asked.filter(({ state }) => state === 'waiting').length);
      };
      const left = new Set<Asked>();
      const leave = (one: Asked | undefined) => {
        if (one === undefined) return;
        inside.delete(one);
        left.add(one);
        one.leave(true);
      };
      for (const { what, who, ms } of actions) {
        if (what === 'ask') for (let n = 0; n <= who; n += 1) asked.push(await ask(opened, `tenant ${ms % 4}`));
        if (what === 'leave') leave([...inside][who % (inside.size + 1)]);
        if (what === 'hang up') asked[(who * 7) % (asked.length + 1)]?.hangUp();
        if (what === 'pass') await opened.clock.pass(ms);
        await settled();
        check();
      }
      opened.close();
      while (inside.size > 0) {
        leave([...inside][0]);
        await settled();
        check();
      }
      expect([opened.door.underWay, opened.door.waiting]).toEqual([0, 0]);
      for (let n = 0; n < 4; n += 1) expect(opened.door.isHere(`tenant ${n}`)).toBe(false);
    }),
    { numRuns: 60 },
  );
});
