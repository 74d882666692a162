import { setTimeout as sleep } from 'node:timers/promises';
import type { Provider } from '../../provider/index.ts';
import type { Books, Standing } from './books.ts';
import type { Case, Ending } from './cases.ts';
import { CASES } from './cases.ts';
import type { FaultyWire } from './faultyWire.ts';
import type { Seen } from './seen.ts';
import { see } from './seen.ts';
import type { RealServer } from './servers.ts';

/** A line of the table. `failure`: what is wrong; undefined when nothing is. */
export interface Row {
  readonly name: string;
  readonly title: string;
  readonly expected: string;
  readonly seen: string;
  /** The same for a cell of the table. */
  readonly short: string;
  readonly failure: string | undefined;
}

/** A server between Holdfast and which the wire lies. */
export interface Bench {
  readonly server: RealServer;
  readonly books: Books;
  readonly wire: FaultyWire;
  /** Holdfast's client of it, past the wire. */
  readonly provider: Provider;
  /** The server itself, past the wire. */
  readonly target: string;
  /** How long a hold lives. */
  readonly holdTtlMs: number;
}

/** A hold's end, its last look and its release take some seconds more. */
const AFTER_THE_END_MS = 40_000;

const EXPECTED: Readonly<Record<Ending, string>> = {
  charged: 'charged once',
  released: 'released',
  either: 'charged once, or released at the end of the hold',
};

export const promptOf = ({ name }: { name: string }, words: string) => `A paper boat on a pond (case ${name}) ${words}`;

/** Makes the orders of every case that this server knows at once, and sees how each ended. */
export async function runCases(bench: Bench, wanted: (name: string) => boolean): Promise<Row[]> {
  const { server, books, wire } = bench;
  const cases = CASES.flatMap((one) => {
    const words = one.words(server);
    return words === null || !wanted(one.name) ? [] : [{ one, prompt: promptOf(one, words) }];
  });
  const run = async (one: Case, prompt: string) => {
    wire.strike(one.name, one.faults);
    const ids: string[] = [];
    for (let order = 0; order < one.orders; order += 1) ids.push(await books.order(prompt));
    const standings = await books.untilSettled(ids, bench.holdTtlMs + AFTER_THE_END_MS);
    return judge(bench, one, standings);
  };
  return Promise.all(cases.map(({ one, prompt }) => orBroken(one, EXPECTED[one.ends(server)], run(one, prompt))));
}

/** A case that could not be tried to its end is wrong; the others go on. */
export function orBroken(
  { name, title }: Pick<Row, 'name' | 'title'>,
  expected: string,
  row: Promise<Row>,
): Promise<Row> {
  return row.catch((error: unknown) => {
    const failure = error instanceof Error ? error.message : String(error);
    return { name, title, expected, seen: 'nothing', short: 'not tried to its end', failure };
  });
}

/** How an order ended that no case describes: `name` is that of its prompt. */
function judge(bench: Bench, one: Case, standings: readonly Standing[]): Promise<Row> {
  const ends = one.ends(bench.server);
  return Promise.all(standings.map((standing) => see(bench.books, bench.wire, one.name, standing))).then((all) => {
    const faults = all.flatMap((seen) => faultsOf(seen, ends, one, bench.server));
    const videos = new Set(
      all.flatMap(({ standing }) => (standing.video === null ? [] : [bench.server.canonical(standing.video)])),
    );
    const owned = all.filter(({ standing }) => standing.video !== null).length;
    if (videos.size < owned) faults.push('two orders own one video');
    return {
      name: one.name,
      title: one.title,
      expected: EXPECTED[ends],
      seen: inWords(all),
      short: endingsOf(all),
      failure: faults.length === 0 ? undefined : [...new Set(faults)].join('; '),
    };
  });
}

function faultsOf(seen: Seen, ends: Ending, one: Case, server: RealServer): string[] {
  const { standing, made, content } = seen;
  const faults: string[] = [];
  if (standing.state !== 'charged' && standing.state !== 'released') return [`it is still ${standing.state}`];
  if (ends !== 'either' && standing.state !== ends) faults.push(`it was ${standing.state} (${standing.reason ?? ''})`);
  const due = standing.state === 'charged' ? standing.amount : 0;
  if ((standing.charged ?? 0) !== due) faults.push(`${standing.charged ?? 0} were charged where ${due} were due`);
  if (made > one.orders) faults.push(`${made} videos were made for ${one.orders} orders`);
  if (content !== null) faults.push(content);
  const more = one.check(seen, server);
  return more === undefined ? faults : [...faults, more];
}

export async function judgeOrder(bench: Bench, one: Case, id: string): Promise<Row> {
  return judge(bench, one, await bench.books.untilSettled([id], bench.holdTtlMs + AFTER_THE_END_MS));
}

const REASONS: Readonly<Record<string, string>> = {
  expired: 'released at the end of the hold',
  provider_failed: 'released, reason told',
  submission_refused: 'refused, released',
  cancelled: 'cancelled, released',
};

function endingsOf(all: readonly Seen[]): string {
  const ends = all.map(({ standing: { state, reason } }) =>
    state === 'charged' ? 'charged' : (REASONS[reason ?? ''] ?? `${state} (${reason ?? ''})`),
  );
  return [...new Set(ends)].join(' and ');
}

function inWords(all: readonly Seen[]): string {
  const [first] = all;
  if (first === undefined) return 'nothing';
  const ended = all.map(({ standing: { state, reason } }) =>
    state === 'released' ? `released (${reason ?? ''})` : state,
  );
  const shown = first.error === null ? '' : `: ${first.error.code}, "${first.error.message.slice(0, 120)}"`;
  const videos = `${first.made} ${first.made === 1 ? 'video' : 'videos'} made`;
  const archived = all.every(({ standing }) => standing.state !== 'charged' || standing.archived);
  const content = all.some(({ standing }) => standing.state === 'charged')
    ? `, content ${archived ? 'archived' : 'not archived'}`
    : '';
  return `${[...new Set(ended)].join(' and ')}${shown}; ${videos}${content}`;
}

/** Until `condition` is true. Raises after `limitMs`. */
export async function until(condition: () => boolean, what: string, limitMs = 30_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`not within ${limitMs / 1000} s: ${what}`);
    await sleep(10);
  }
}
