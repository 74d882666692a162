import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import type { Entered } from '../../api/door/door.ts';
import { jsonPost } from '../harness/support/answers.ts';
import { rawRequests } from '../harness/support/rawHttp.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** More is asked for than can be started at once (MR-102): over HTTP, with other starts inside whose end the test decides. */

let stack: TestStack;
let account: TestAccount;
let newcomer: TestAccount;
beforeAll(async () => {
  // Time stands still at the door, so nobody there waits for too long.
  stack = await startStack({ doorClock: { nowMs: () => 0, after: () => () => undefined } });
});
beforeEach(async () => {
  [account, newcomer] = [await openAccount(stack, 100_000_000), await openAccount(stack, 10_000_000)];
});
afterAll(async () => {
  await stack.stop();
});

/** The machine may have other work. */
const SLOWLY = { timeout: 25_000 };

type Inside = Extract<Entered, { refused?: never }>;
/** Other starts, by door. */
const others: Inside[][] = [];

/** Fills each door; the last one to ask takes the first place in its line. */
async function fillDoors() {
  for (const door of stack.doors) {
    const inside: Inside[] = [];
    others.push(inside);
    while (door.waiting === 0) {
      void door
        .enter({ owner: 'somebody else', request: randomUUID(), onGone: () => undefined })
        .then((entered) => entered.refused === undefined && inside.push(entered));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
/** Ends one of the other starts at each door. */
const endOne = () => others.map((inside) => inside.shift()?.leave(false));
let crowd = new AbortController();
/** Sends the crowd away and ends the other starts, until nobody waits or is inside. */
async function emptyDoors() {
  crowd.abort();
  crowd = new AbortController();
  await vi.waitFor(() => expect(waiting()).toBeLessThan(10), SLOWLY);
  await vi.waitFor(() => {
    for (const inside of others) for (const { leave } of inside.splice(0)) leave(false);
    expect(stack.doors.map(({ underWay }) => underWay)).toEqual(stack.doors.map(() => 0));
  }, SLOWLY);
  others.length = 0;
}
afterEach(emptyDoors);

const create = (of: TestAccount, prompt: string, headers: Record<string, string> = {}, signal?: AbortSignal) => {
  const init = jsonPost({ prompt });
  return of.fetch('/v1/videos', {
    ...init,
    headers: { ...(init.headers as Record<string, string>), ...headers },
    ...(signal !== undefined && { signal }),
  });
};
/** So many requests to each door. Those that wait are sent away by `emptyDoors`. */
const createMany = (count: number, headersOf: () => Record<string, string> = () => ({})) =>
  Array.from({ length: count * stack.doors.length }, () => create(account, randomUUID(), headersOf(), crowd.signal));
/** The answers that have come by now. */
function answersTo(requests: readonly Promise<Response>[]): Response[] {
  const answers: Response[] = [];
  for (const request of requests) {
    request.then(
      (answer) => answers.push(answer),
      () => undefined,
    );
  }
  return answers;
}
const waiting = () => stack.doors.reduce((sum, door) => sum + door.waiting, 0);
const untilWaiting = (count: number) => vi.waitFor(() => expect(waiting()).toBe(count), SLOWLY);
/** Each of these waits or is answered. */
const untilTold = (requests: readonly unknown[], answers: readonly unknown[]) =>
  vi.waitFor(() => expect(answers.length + waiting() - stack.doors.length).toBe(requests.length), SLOWLY);
/** What is on record of an account. */
const writtenOf = async ({ id }: TestAccount) =>
  (
    await stack.database.admin.query(
      `SELECT FROM generations WHERE account_id = $1 UNION ALL SELECT FROM idempotency_keys WHERE account_id = $1`,
      [id],
    )
  ).rowCount;

it('what can’t be started soon is refused at once and told when to come again, and nothing of it is written', async () => {
  await fillDoors();
  const before = await writtenOf(account);
  const keyed = () => ({ 'idempotency-key': randomUUID() });
  const retried = () => ({ 'x-stainless-retry-count': '1' });
  const sent = [...createMany(60), ...createMany(20, keyed), ...createMany(20, retried)];
  const refused = answersTo(sent);
  await untilTold(sent, refused);
  expect(refused.length).toBeGreaterThan(20);
  expect(await writtenOf(account)).toBe(before);
  const seconds = refused.map(({ headers }) => Number(headers.get('retry-after')));
  expect(refused.every(({ status }) => status === 503)).toBe(true);
  const [soonest, latest] = [Math.min(...seconds), Math.max(...seconds)];
  expect(soonest).toBeGreaterThan(0);
  expect(latest).toBeGreaterThan(soonest);
  const { error } = (await refused[0]?.json()) as { error: { code: string; message: string } };
  expect(error.code).toBe('temporarily_unavailable');
  expect(error.message).toMatch(
    /^More is asked for than can be started at the moment\. Nothing was held\. Try again in \d+ s\.$/,
  );
  // A new one is refused before its body is read.
  const head = `POST /v1/videos HTTP/1.1\r\nHost: holdfast\r\nAuthorization: Bearer ${account.key}\r\n`;
  const body = 'Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{';
  const unread = await rawRequests(Number(new URL(stack.url).port), head + body, 1);
  expect(unread).toMatchObject([{ status: 503, headers: { 'retry-after': expect.any(String) as unknown } }]);
});

it('a replay or an SDK’s retry passes a closed door', async () => {
  // Whatever the key is: "0" is one too.
  const key = { 'idempotency-key': '0' };
  const idOf = async (answer: Response) => ((await answer.json()) as { id: string }).id;
  const first = await idOf(await create(account, 'with a key', key));
  const second = await idOf(await create(account, 'without a key'));
  await fillDoors();
  const full = createMany(100);
  await untilTold(full, answersTo(full));
  for (const [answer, id] of [
    [await create(account, 'with a key', key), first],
    [await create(account, 'without a key', { 'x-stainless-retry-count': '1' }), second],
  ] as const) {
    expect(answer.headers.get('idempotency-replayed')).toBe('true');
    expect(await idOf(answer)).toBe(id);
  }
});

it('one account’s crowd does not keep out another’s single video', async () => {
  await fillDoors();
  const many = createMany(100);
  const answered = answersTo(many);
  await untilTold(many, answered);
  const [crowdWaiting, refused] = [waiting(), answered.length];
  const single = create(newcomer, 'a single video');
  await untilWaiting(crowdWaiting + 1);
  // One place for somebody else's, one for the crowd's first, one for the newcomer.
  for (let round = 0; round < 3; round += 1) endOne();
  expect((await single).status).toBe(200);
  expect(answered.length - refused).toBeLessThan(crowdWaiting / 2);
});

it('a client that disconnects leaves the line, and nothing of its request is written', async () => {
  await fillDoors();
  const before = await writtenOf(account);
  const client = new AbortController();
  const gone = create(account, 'too slow', { 'idempotency-key': randomUUID() }, client.signal);
  await untilWaiting(stack.doors.length + 1);
  client.abort();
  await expect(gone).rejects.toThrow();
  await untilWaiting(stack.doors.length);
  await emptyDoors();
  expect(await writtenOf(account)).toBe(before);
});

it.runIf(process.env['TEST_TWICE'] !== '1')(
  'a repeat of a request in the line is not told that nothing is held, for that one may be held yet',
  async () => {
    await fillDoors();
    const key = { 'idempotency-key': randomUUID() };
    const [first, unkeyed] = [create(account, 'with a key', key), create(account, 'without a key')];
    await untilWaiting(3);
    const full = createMany(100);
    await untilTold([...full, first, unkeyed], answersTo([...full, first, unkeyed]));
    const repeat = await create(account, 'with a key', key);
    expect([repeat.status, repeat.headers.get('retry-after')]).toEqual([409, '1']);
    const retry = await create(account, 'without a key', { 'x-stainless-retry-count': '1' });
    expect([retry.status, await retry.json()]).toMatchObject([500, { error: { code: 'outcome_unknown' } }]);
    await emptyDoors();
    for (const answer of [first, unkeyed]) expect((await answer).status).toBe(200);
  },
);

// The last: from then on nobody waits.
it('at a shutdown those in the line are refused, and nothing of their requests is written', async () => {
  await fillDoors();
  const before = await writtenOf(newcomer);
  const answers = [create(newcomer, 'too late'), create(newcomer, 'also too late', { 'idempotency-key': 'k' })];
  await untilWaiting(stack.doors.length + 2);
  stack.giveUp();
  for (const answer of await Promise.all(answers)) {
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(((await answer.json()) as { error: { message: string } }).error.message).toContain('Nothing was held');
  }
  expect(await writtenOf(newcomer)).toBe(before);
});
