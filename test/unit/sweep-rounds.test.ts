import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MOST_PAGES, SweepRounds } from '../../activities/sweepRounds.ts';
import type { ProviderVideo, VideoPage } from '../../provider/index.ts';
import type { OpenVideo } from '../../store/index.ts';
import { SPELLINGS } from '../harness/support/spelledIds.ts';

/** The pure part of the sweep: which page of a list is read next, and whose workflow looks, given what is open on our record. */

type Listed = Pick<ProviderVideo, 'id' | 'verdict' | 'createdAt'>;

const at = (n: number) => new Date(1_800_000_000_000 + n * 1000);
const open = (n: number): OpenVideo => ({ generationId: `gen_${n}`, canonicalId: `v_${n}`, createdAt: at(n) });
const listed = (n: number, verdict: ProviderVideo['verdict'] = 'open'): Listed => ({
  id: `v_${n}`,
  verdict,
  createdAt: at(n),
});

function page(videos: readonly Listed[], rest: Partial<VideoPage> = {}): VideoPage {
  const lastId = videos.at(-1)?.id ?? null;
  return {
    outcome: 'listed',
    videos: videos as readonly ProviderVideo[],
    ...{ unreadable: 0, hasMore: false, isComplete: true, dialect: 'openai', clockSkewMs: 0, lastId },
    ...rest,
  };
}

const numbers = (length: number) => Array.from({ length }, (_, n) => n);

/** A server that lists these, the newest first, as OpenAI's does. */
const server =
  (videos: readonly Listed[]) =>
  ({ limit, after }: { limit: number; after?: string }): VideoPage => {
    const start = after === undefined ? 0 : videos.findIndex(({ id }) => id === after) + 1;
    return page(videos.slice(start, start + limit), { hasMore: start + limit < videos.length });
  };

/** Reads one round; returns how many pages it took and whom it nudged. */
function round(rounds: SweepRounds, answer: (wanted: { limit: number; after?: string }) => VideoPage) {
  const nudged = { ended: [] as string[], vanished: [] as string[] };
  let pages = 0;
  do {
    const wanted = rounds.nextPage();
    if (wanted === undefined) break;
    pages += 1;
    const { ended, vanished } = rounds.take(answer(wanted));
    nudged.ended.push(...ended);
    nudged.vanished.push(...vanished);
  } while (!rounds.isBetweenRounds);
  return { pages, ...nudged };
}

describe('a round of the sweep', () => {
  it('asks for nothing while nothing is open', () => {
    const rounds = new SweepRounds();
    rounds.setOpen([]);
    expect(rounds.nextPage()).toBeUndefined();
  });

  it('reads no further than to the oldest open video, and nudges each that has ended', () => {
    const rounds = new SweepRounds();
    rounds.setOpen(numbers(250).map((n) => open(1000 + n)));
    const videos = numbers(1250).map((n) => listed(n, n % 2 === 0 ? 'completed' : 'open'));
    const { pages, ended, vanished } = round(rounds, server(videos.toReversed()));
    expect(pages).toBe(3);
    expect(ended).toHaveLength(125);
    expect(vanished).toEqual([]);
  });

  it('stops where older videos can only be listed below, if an open one is not listed', () => {
    const rounds = new SweepRounds();
    rounds.setOpen([open(5000)]);
    expect(round(rounds, server(numbers(10_000).map((n) => listed(4900 - n)))).pages).toBe(1);
  });

  it('reads few entries for few open videos', () => {
    const rounds = new SweepRounds();
    rounds.setOpen([open(1)]);
    expect(rounds.nextPage()).toEqual({ limit: 20 });
  });

  // MR-74
  it('knows a video under another spelling of its id', () => {
    const rounds = new SweepRounds();
    rounds.setOpen([open(1)]);
    const spelled = { ...listed(1, 'failed'), id: SPELLINGS.list('v_1') };
    expect(round(rounds, () => page([spelled])).ended).toEqual(['gen_1']);
  });

  it('nudges for one that vanished only when two whole rounds in a row missed what an earlier one showed', () => {
    const rounds = new SweepRounds();
    rounds.setOpen([open(1), open(2)]);
    const rest = () => page([listed(2)]);
    const all = () => page([listed(2), listed(1)]);
    const vanished = [rest, rest, rest, all, rest, all, rest, rest, rest, rest].map(
      (answer) => round(rounds, answer).vanished,
    );
    expect(vanished).toEqual([[], [], [], [], [], [], [], ['gen_1'], [], []]);
    expect(rounds.coverage).toEqual({ shown: 1, missed: 1 });
  });

  it.each([
    ['repeats its pages', () => page([listed(2)], { hasMore: true }), 2],
    ['has more, but not where', () => page([listed(2)], { hasMore: true, lastId: null }), 1],
    ['is partly unreadable', () => page([listed(2)], { unreadable: 1 }), 1],
  ])('a list that %s makes nobody vanish, and ends soon', (_what, answer, mostPages) => {
    const rounds = new SweepRounds();
    rounds.setOpen([open(1), open(2)]);
    round(rounds, () => page([listed(2), listed(1)]));
    for (let n = 0; n < 10; n += 1) {
      const { pages, vanished } = round(rounds, answer);
      expect(vanished).toEqual([]);
      expect(pages).toBeLessThanOrEqual(mostPages);
    }
  });

  it('of an endless list reads a hundred pages, and after two rounds one, but for every thirtieth', () => {
    const rounds = new SweepRounds();
    rounds.setOpen([{ ...open(1), createdAt: null }]);
    let made = 0;
    const endless = () =>
      page(
        numbers(20).map(() => listed((made += 1) + 10)),
        { hasMore: true },
      );
    const pages = numbers(31).map(() => round(rounds, endless).pages);
    expect(pages).toEqual([100, 100, ...Array<number>(27).fill(1), 100, 1]);
  });
});

/** Any page that a server may answer, of a few videos that are ours and of others, with wrong times and spellings. */
const anyPage = fc.record({
  videos: fc.array(
    fc.record({
      n: fc.integer({ min: 0, max: 12 }),
      spelling: fc.constantFrom('plain', 'create', 'list', 'retrieve'),
      verdict: fc.constantFrom('open', 'open', 'completed', 'failed'),
      seconds: fc.option(fc.integer({ min: -1e9, max: 1e9 })),
    }),
    { maxLength: 8 },
  ),
  unreadable: fc.constantFrom(0, 0, 3),
  hasMore: fc.boolean(),
  lastId: fc.option(fc.constantFrom('v_1', 'v_2', 'x', SPELLINGS.list('v_3'))),
});

const asPage = ({ videos, ...rest }: typeof anyPage extends fc.Arbitrary<infer Page> ? Page : never): VideoPage =>
  page(
    videos.map(({ n, spelling, verdict, seconds }) => ({
      id: spelling === 'plain' ? `v_${n}` : SPELLINGS[spelling as keyof typeof SPELLINGS](`v_${n}`),
      verdict: verdict as ProviderVideo['verdict'],
      createdAt: seconds === null ? null : at(seconds),
    })),
    rest,
  );

it('whatever a list says, a round ends, nobody is nudged twice for one end, nor for an end or a loss that no page showed', () => {
  fc.assert(
    fc.property(fc.array(anyPage, { minLength: 1, maxLength: 40 }), fc.nat({ max: 8 }), (answers, ours) => {
      const rounds = new SweepRounds();
      const stillOpen = new Map(numbers(ours).map((n) => [`gen_${n}`, open(n)]));
      const shown = new Set<string>();
      const told = new Set<string>();
      let next = 0;
      const answer = () =>
        asPage(answers[next++ % answers.length] ?? { videos: [], unreadable: 0, hasMore: false, lastId: null });
      for (let n = 0; n < 20; n += 1) {
        rounds.setOpen([...stillOpen.values()]);
        const from = next;
        const { pages, ended, vanished } = round(rounds, answer);
        expect(pages).toBeLessThanOrEqual(stillOpen.size === 0 ? 0 : MOST_PAGES);
        const all = numbers(next - from).flatMap((i) => asPage(answers[(from + i) % answers.length] as never).videos);
        const ids = (of: readonly ProviderVideo[]) => new Set(of.map(({ id }) => idsByAnySpelling.get(id) ?? id));
        for (const id of ended) {
          expect(told.has(id) || !stillOpen.has(id)).toBe(false);
          expect(ids(all.filter(({ verdict }) => verdict !== 'open')).has(stillOpen.get(id)?.canonicalId ?? '')).toBe(
            true,
          );
          told.add(id);
          // As the database does: an end is told once.
          stillOpen.delete(id);
        }
        for (const id of vanished)
          expect(shown.has(id) && !ids(all).has(stillOpen.get(id)?.canonicalId ?? '')).toBe(true);
        for (const [id, { canonicalId }] of stillOpen) if (ids(all).has(canonicalId)) shown.add(id);
      }
    }),
  );
});

const idsByAnySpelling = new Map<string, string>(
  numbers(13).flatMap((n) =>
    [`v_${n}`, ...Object.values(SPELLINGS).map((spell) => spell(`v_${n}`))].map(
      (spelled) => [spelled, `v_${n}`] as const,
    ),
  ),
);
