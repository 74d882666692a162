import { setTimeout as sleep } from 'node:timers/promises';
import type { Provider } from '../../provider/index.ts';
import type { Bench, Row } from './orders.ts';
import { judgeOrder, orBroken, promptOf, until } from './orders.ts';
import type { Habits } from './servers.ts';
import type { Struck } from './struck.ts';
import { STRUCK } from './struck.ts';

/** What one order alone does not show. */
interface Probe {
  readonly name: string;
  readonly title: string;
  /** By what the server can. */
  readonly expected: (habits: Habits) => string;
  /** Whether there is anything to try. */
  readonly applies?: (habits: Habits) => boolean;
  /** Returns what was seen. Raises `Wrong` when it is not what was expected. */
  readonly run: (bench: Bench, probe: Pick<Probe, 'name' | 'title'>) => Promise<string>;
}

class Wrong extends Error {}

/** Ids as no server gives them, none of which may lead to another path or video. Read from an answer, `.` and `..` are no ids. */
const ODD_IDS = ['../videos', 'a/b', 'a b', 'a?b=1', 'a#b', '%2e%2e', 'é', '"', 'x'.repeat(900)];

const PROBES: readonly Probe[] = [
  {
    name: 'variants',
    title: 'content: a thumbnail',
    expected: ({ images }) => (images ? 'an image' : 'an error, and no video in its place'),
    run: async (bench, { name }) => {
      const id = await charged(bench, name);
      const answer = await bench.books.get(`/v1/videos/${id}/content?variant=thumbnail`);
      const type = answer.headers.get('content-type') ?? '';
      const seen = `${answer.status} ${type}`;
      if (bench.server.habits.images ? !type.startsWith('image/') : answer.ok) throw new Wrong(seen);
      return seen;
    },
  },
  {
    name: 'delete',
    title: 'delete',
    expected: (habits) => (habits.delete ? 'gone here and there' : 'gone here; the server has no delete'),
    run: async (bench, { name }) => {
      const id = await charged(bench, name);
      const { status } = await untilAnswered(() => bench.books.delete(`/v1/videos/${id}`));
      const after = await bench.books.get(`/v1/videos/${id}/content`);
      const there = await bench.provider.retrieveVideo(bench.wire.idOf(name) ?? '');
      const seen = `${status}, then ${after.status} here and ${inWords(there)} there`;
      const isGone = status === 200 && after.status === 404;
      if (!isGone || (bench.server.habits.delete && there.outcome === 'seen')) throw new Wrong(seen);
      return seen;
    },
  },
  {
    name: 'pages',
    title: 'list: pages of two',
    applies: ({ list }) => list !== 'newest',
    expected: ({ list }) => (list === 'none' ? 'no list, and none is pretended' : 'each page has other videos'),
    run: async ({ provider, server, books, wire }, { name }) => {
      for (let order = 0; order < 4; order += 1) await books.order(promptOf({ name }, '[[after:1s]]'));
      await until(() => wire.of(name).length >= 4, 'four videos are created');
      const first = await provider.listVideos({ limit: 2 });
      if (first.outcome !== 'listed') {
        const seen = first.why;
        if (server.habits.list !== 'none') throw new Wrong(seen);
        return seen;
      }
      const { lastId, videos } = first;
      const second = await provider.listVideos({ limit: 2, ...(lastId !== null && { after: lastId }) });
      if (second.outcome !== 'listed') throw new Wrong(`the second page: ${second.why}`);
      const again = second.videos.filter(({ id }) => videos.some((one) => one.id === id)).length;
      const seen = `${videos.length} and ${second.videos.length} videos, ${again} of them twice`;
      if (videos.length !== 2 || second.videos.length !== 2 || again > 0) throw new Wrong(seen);
      return seen;
    },
  },
  {
    name: 'unknown-id',
    title: 'poll: an unknown id',
    expected: () => 'proves nothing',
    run: async ({ provider }) => {
      const seen = await provider.retrieveVideo('video_0000000000000000');
      if (seen.outcome !== 'transient') throw new Wrong(inWords(seen));
      return inWords(seen);
    },
  },
  {
    name: 'odd-ids',
    title: 'poll: odd ids',
    expected: () => 'each proves nothing',
    run: async ({ provider }) => {
      const all = await Promise.all(ODD_IDS.map(async (id) => ({ id, seen: await provider.retrieveVideo(id) })));
      const taken = all.filter(({ seen }) => seen.outcome !== 'transient').map(({ id }) => id);
      if (taken.length > 0) throw new Wrong(`taken for videos: ${taken.join(' ')}`);
      return `${ODD_IDS.length} of ${ODD_IDS.length}`;
    },
  },
];

export async function runMore(bench: Bench, wanted: (name: string) => boolean): Promise<Row[]> {
  const { server } = bench;
  const runStruck = async ({ one, strike }: Struck) => {
    bench.wire.strike(one.name, one.faults);
    const id = await bench.books.order(promptOf(one, one.words(server) ?? ''));
    await until(() => bench.wire.idOf(one.name) !== undefined, 'the video is created');
    await strike(bench, id, one.name);
    return judgeOrder(bench, one, id);
  };
  const struck = STRUCK.filter(({ one }) => wanted(one.name) && one.words(server) !== null).map((each) =>
    orBroken(each.one, each.one.ends(server), runStruck(each)),
  );
  const applying = PROBES.filter(({ name, applies }) => wanted(name) && (applies?.(server.habits) ?? true));
  const probes = applying.map((probe) => orBroken(probe, probe.expected(server.habits), probed(bench, probe)));
  return Promise.all([...struck, ...probes]);
}

async function probed(bench: Bench, probe: Probe): Promise<Row> {
  const row = { name: probe.name, title: probe.title, expected: probe.expected(bench.server.habits) };
  try {
    const seen = await probe.run(bench, probe);
    return { ...row, seen, short: seen, failure: undefined };
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    return { ...row, seen: error.message, short: error.message, failure: 'not as expected' };
  }
}

/** The id of a video of this case that was charged and archived. Raises `Wrong` if it does not get so far. */
async function charged({ books, holdTtlMs }: Bench, name: string): Promise<string> {
  const id = await books.order(promptOf({ name }, '[[after:1s]]'));
  const [standing] = await books.untilSettled([id], holdTtlMs);
  if (standing?.archived !== true) throw new Wrong('its content was not archived');
  return id;
}

/** 503 says to try again: the wire refuses connections for a moment, whatever they are about. */
async function untilAnswered(ask: () => Promise<Response>): Promise<Response> {
  for (let tries = 1; ; tries += 1) {
    const answer = await ask();
    if (answer.status !== 503 || tries === 10) return answer;
    await sleep(1000);
  }
}

function inWords(seen: Awaited<ReturnType<Provider['retrieveVideo']>>): string {
  return seen.outcome === 'seen' ? `"${seen.video.status}"` : seen.why;
}
