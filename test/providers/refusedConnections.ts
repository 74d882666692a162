import { setTimeout as sleep } from 'node:timers/promises';
import type { Case } from './cases.ts';
import { plain } from './cases.ts';
import type { Bench, Row } from './orders.ts';
import { judgeOrder, orBroken, promptOf, until } from './orders.ts';

/** Longer than until a first look, which is at most 10 s after the create. */
const AWAY_MS = 12_000;
const AWAY_AT_CONTENT_MS = 3000;

/** An outage that has passed; the rest of the cases may begin. `ended` is how its orders ended. */
export interface Passing {
  readonly ended: Promise<Row[]>;
}

/**
 * Nobody listens at the server's port: while an order is created, while one is polled, and, after this has resolved, once more for
 * a moment when one's content is due.
 */
export async function refuseConnections(bench: Bench): Promise<Passing> {
  const { books, wire } = bench;
  const order = (one: Case) => books.order(promptOf(one, '[[after:1s]]'));
  const [create, poll, content] = (['create', 'poll', 'content'] as const).map((step) => {
    return plain(`${step}-refused`, `${step}: connection refused`);
  }) as [Case, Case, Case];
  const polled = await order(poll);
  await until(() => wire.idOf(poll.name) !== undefined, 'the video is created');
  const listenAgain = wire.refuse();
  const created = await order(create);
  await sleep(AWAY_MS);
  await listenAgain();
  await books.untilOpen();
  const due = await order(content);
  const ends = [
    orBroken(poll, 'charged', judgeOrder(bench, poll, polled)),
    orBroken(create, 'charged', judgeOrder(bench, create, created)),
    orBroken(content, 'charged', refuseContent(bench, content, due)),
  ];
  return { ended: Promise.all(ends) };
}

async function refuseContent(bench: Bench, one: Case, id: string): Promise<Row> {
  let isDue = false;
  bench.wire.onPassed = (name, { step, body }) => {
    isDue ||= name === one.name && step === 'poll' && body.toString().includes('"completed"');
  };
  await until(() => isDue, 'the content is due', 60_000);
  const listenAgain = bench.wire.refuse();
  await sleep(AWAY_AT_CONTENT_MS);
  await listenAgain();
  return judgeOrder(bench, one, id);
}
