import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ActivityDependencies } from '../../activities/dependencies.ts';
import { createReconcileProviderActivities } from '../../activities/reconcileActivities.ts';
import { providersOf, type ProviderVideo, type VideoPage } from '../../provider/index.ts';
import type { TestDatabase } from '../harness/support/database.ts';
import { PRICE, createTestDatabase, openTenant } from '../harness/support/database.ts';
import { type Lost, another, lostCreates, page, video } from '../harness/support/lostCreates.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(async () => {
  await db.drop();
});

const { lost, find, timed } = lostCreates(() => db);

const HOUR_MS = 3_600_000;
const ago = (ms: number) => new Date(Date.now() - ms);
const isOpen = async ({ id }: Lost) => (await db.ledger.getOpenAttempt(id)) !== undefined;

describe('the search for an attempt that may have arrived', () => {
  // MR-32
  it('adopts the only video that is what was asked for, on whichever page', async () => {
    const mine = await lost();
    const made = video({ prompt: mine.prompt });
    const pages = [page([video()], { hasMore: true }), page([made])];
    expect(await find(mine, pages)).toMatchObject({ outcome: 'adopted', providerVideoId: made.id });
    // Asked again, it answers with what is on record.
    expect(await find(mine, [])).toMatchObject({ outcome: 'adopted', providerVideoId: made.id });
  });

  it('answers with the video whose late answer was recorded while it looked', async () => {
    const mine = await lost();
    const made = video({ prompt: mine.prompt });
    const listVideos = async () => {
      const ended = { outcome: 'created', providerVideoId: made.id, providerCreatedAt: new Date() } as const;
      await db.ledger.endAttempt(mine.id, 1, ended);
      // As it was listed before: `find` does not hear from this one that the video has an owner.
      return page([made]);
    };
    expect(await find(mine, [], { listVideos })).toMatchObject({ outcome: 'adopted', providerVideoId: made.id });
  });

  it('closes the attempt when nothing that is listed could be meant', async () => {
    expect(await find(await lost(), [page([video({ createdAt: ago(HOUR_MS) })])])).toMatchObject({
      outcome: 'not_found',
    });
  });

  it('takes a video that is listed twice for one', async () => {
    const mine = await lost();
    const made = video({ prompt: mine.prompt });
    const twice = [page([made, made], { hasMore: true }), page([made, video()])];
    expect(await find(mine, twice)).toMatchObject({ outcome: 'adopted', providerVideoId: made.id });
  });

  it.each<[string, (prompt: string) => Partial<ProviderVideo>]>([
    ['with its prompt not shown', () => ({ prompt: null })],
    ['of a model by another name', (prompt) => ({ prompt, model: 'sora-2-2025-10-06' })],
    ['without its seconds', (prompt) => ({ prompt, seconds: null })],
    ['with a resolution that two of the sizes have', (prompt) => ({ prompt, size: '720p' })],
    ['of about that time with its prompt rewritten', () => ({ prompt: 'rewritten' })],
    ['with its time in another zone', (prompt) => ({ prompt, createdAt: ago(8 * HOUR_MS) })],
    ['with its prompt cut', (prompt) => ({ prompt: `${prompt.slice(0, 20)}…` })],
    [
      'with its prompt cut, and its time in another zone',
      (prompt) => ({ prompt: prompt.slice(0, 20), createdAt: ago(8 * HOUR_MS) }),
    ],
    [
      'with its prompt trimmed, and its clock two hours off',
      (prompt) => ({ prompt: ` ${prompt}\n`, createdAt: ago(2 * HOUR_MS) }),
    ],
    ['with its prompt in capitals', (prompt) => ({ prompt: prompt.toUpperCase() })],
    ['with words added to its prompt', (prompt) => ({ prompt: `${prompt}, in high quality` })],
  ])('a video %s is not adopted, and no proof that nothing was made', async (_what, changes) => {
    const mine = await lost();
    expect((await find(mine, [page([video(changes(mine.prompt))])])).outcome).toBe('unclear');
    expect(await isOpen(mine)).toBe(true);
  });

  it('reads on in a list that comes oldest first', async () => {
    const mine = await lost();
    const old = [video({ createdAt: ago(50 * HOUR_MS) }), video({ createdAt: ago(40 * HOUR_MS) })];
    const made = video({ prompt: mine.prompt });
    expect(await find(mine, [page(old, { hasMore: true }), page([made])])).toMatchObject({ providerVideoId: made.id });
  });

  it('concludes nothing from the list of another provider', async () => {
    const mine = await lost();
    await expect(find(mine, [page([])], { as: another() })).rejects.toThrow('is not configured');
    expect(await isOpen(mine)).toBe(true);
  });
});

// MR-34
describe('a text that the server changed', () => {
  it.each<[string, string, string]>([
    ['line ends', 'two\nlines', 'two\r\nlines'],
    ['line ends, the other way', 'two\r\nlines\r', 'two\nlines\n'],
    ['outer space', '  a fox \n', 'a fox'],
    ['its Unicode form', 'un cafe\u0301', 'un caf\u00e9'],
  ])('in %s is known again, and its video adopted', async (_what, asked, shown) => {
    const tag = randomUUID();
    const mine = await lost(asked.replace('fox', `fox ${tag}`).replace(/two|un/, `$& ${tag}`));
    const made = video({ prompt: shown.replace('fox', `fox ${tag}`).replace(/two|un/, `$& ${tag}`) });
    expect(await find(mine, [page([made, video({ createdAt: ago(HOUR_MS) })])])).toMatchObject({
      outcome: 'adopted',
      providerVideoId: made.id,
    });
  });

  it('is not adopted while another video may be meant even more widely', async () => {
    const mine = await lost();
    const trimmed = video({ prompt: `${mine.prompt} ` });
    const cut = video({ prompt: mine.prompt.slice(0, 12) });
    expect(await find(mine, [page([trimmed, cut])])).toMatchObject({ outcome: 'unclear' });
    expect(await find(mine, [page([trimmed])])).toMatchObject({ outcome: 'adopted' });
  });

  it('is not adopted while it may be cut off another open attempt’s', async () => {
    const mine = await lost();
    const longer = await lost(`${mine.prompt} and a boat`, mine);
    const trimmed = video({ prompt: `${mine.prompt} ` });
    expect(await find(mine, [page([trimmed])])).toMatchObject({ outcome: 'unclear' });
    await db.ledger.endAttempt(longer.id, 1, { outcome: 'not_made', code: 'not_sent', message: '' });
    expect(await find(mine, [page([trimmed])])).toMatchObject({ outcome: 'adopted' });
  });
});

// MR-37
describe('age', () => {
  it('with a clock that is not known proves nothing: the prompt alone decides', async () => {
    const mine = await lost();
    const made = video({ prompt: mine.prompt, createdAt: ago(8 * HOUR_MS) });
    expect(await find(mine, [page([made], { clockSkewMs: null })])).toMatchObject({ outcome: 'adopted' });
    const other = await lost();
    const old = page([video({ createdAt: ago(8 * HOUR_MS) })], { clockSkewMs: null });
    expect(await find(other, [old])).toMatchObject({ outcome: 'unclear' });
  });

  it('is by the clock of creates that we timed, whatever the date of the answer', async () => {
    const mine = await lost();
    const known = await timed(mine.provider, -2 * HOUR_MS);
    const made = video({ prompt: `${mine.prompt} `, createdAt: ago(2 * HOUR_MS) });
    expect(await find(mine, [page([known, made])])).toMatchObject({ outcome: 'adopted', providerVideoId: made.id });
    const other = await lost(randomUUID(), { provider: mine.provider });
    const near = video({ createdAt: ago(2 * HOUR_MS) });
    expect(await find(other, [page([known, near])])).toMatchObject({ outcome: 'unclear' });
    expect(await find(other, [page([known, video()])])).toMatchObject({ outcome: 'not_found' });
  });

  it('proves nothing where attempts that we timed disagree', async () => {
    const mine = await lost();
    const known = [await timed(mine.provider, -2 * HOUR_MS), await timed(mine.provider, 0)];
    const old = video({ createdAt: ago(5 * HOUR_MS) });
    expect(await find(mine, [page([...known, old])])).toMatchObject({ outcome: 'unclear' });
  });

  it('picks, of two that look the same, the one that was made since', async () => {
    const mine = await lost();
    const [old, made] = [video({ prompt: mine.prompt, createdAt: ago(5 * HOUR_MS) }), video({ prompt: mine.prompt })];
    expect(await find(mine, [page([made, old])])).toMatchObject({ outcome: 'adopted', providerVideoId: made.id });
  });
});

describe('a video without an owner', () => {
  // MR-37
  it('that was listed before the attempt began is put aside, however much it looks the same', async () => {
    const [provider, prompt] = [another(), randomUUID()];
    const old = [video({ prompt }), video({ prompt: null }), video({ prompt: `${prompt} `, createdAt: null })];
    await db.ledger.noteOwnerlessVideos(
      provider.identity,
      old.map(({ id }) => id),
    );
    const mine = await lost(prompt, { provider });
    // Listed first after the attempt began: noted then, it is still no older than that.
    const later = await lost(prompt.toUpperCase(), { provider });
    expect(await find(mine, [page(old)])).toMatchObject({ outcome: 'not_found' });
    const fresh = video({ prompt: later.prompt });
    await db.ledger.noteOwnerlessVideos(provider.identity, [fresh.id, ...old.map(({ id }) => id)]);
    expect(await find(later, [page([...old, fresh])])).toMatchObject({ outcome: 'adopted', providerVideoId: fresh.id });
  });

  it('is noted by the orphan finder, which counts nothing in a list that it can’t read whole', async () => {
    const [provider, prompt] = [another(), randomUUID()];
    const orphans = (pages: VideoPage[]) => {
      let calls = 0;
      const listVideos = async () => pages[Math.min(calls++, pages.length - 1)];
      const providers = providersOf([{ name: 'openai', ...provider, listVideos }]);
      const deps = { store: db.ledger, providers, observe: () => undefined };
      const activities = createReconcileProviderActivities(deps as unknown as ActivityDependencies);
      return new MockActivityEnvironment().run(activities.findOrphans);
    };
    const old = video({ prompt, createdAt: ago(HOUR_MS) });
    const owned = await timed(provider, 0);
    expect(await orphans([page([old, owned, old])])).toEqual({ count: 1, sample: [old.id] });
    expect(await find(await lost(prompt, { provider }), [page([old])])).toMatchObject({ outcome: 'not_found' });
    await expect(orphans([page([old], { hasMore: true })])).rejects.toThrow('circles');
  });

  it('of another provider by the same id is not put aside', async () => {
    const mine = video();
    await db.ledger.noteOwnerlessVideos(another().identity, [mine.id]);
    const attempt = await lost();
    expect(await find(attempt, [page([{ ...mine, prompt: attempt.prompt }])])).toMatchObject({ outcome: 'adopted' });
  });

  it('that another tenant’s attempt explains holds up no failed attempt', async () => {
    const failed = await lost();
    const other = await lost(randomUUID(), failed);
    const cut = video({ prompt: other.prompt.slice(0, 16) });
    expect(await find(other, [page([cut])])).toMatchObject({ outcome: 'unclear' });
    expect(await find(failed, [page([cut])])).toMatchObject({ outcome: 'not_found' });
  });

  it('that only an attempt at another server explains may be what was asked for', async () => {
    const [mine, elsewhere] = [await lost(), await lost()];
    const rewritten = video({ prompt: elsewhere.prompt });
    expect(await find(mine, [page([rewritten])])).toMatchObject({ outcome: 'unclear' });
  });

  it('that an attempt explains which began under another name of the server holds up no failed attempt', async () => {
    const failed = await lost();
    const other = await lost(randomUUID(), {
      provider: { identity: failed.provider.identity.replace(/^openai/, 'vllm') },
    });
    const cut = video({ prompt: other.prompt.slice(0, 16) });
    expect(await find(failed, [page([cut])])).toMatchObject({ outcome: 'not_found' });
  });
});

// MR-33
describe('twins', () => {
  it('each adopt one of as many videos, also at the same moment', async () => {
    for (let round = 0; round < 5; round += 1) {
      const provider = another();
      const tenant = await openTenant(db, 3 * PRICE);
      const prompt = `two\nlines ${randomUUID()}`;
      const twins = [await lost(prompt, { provider, tenant }), await lost(prompt, { provider, tenant })];
      const changed = [
        video({ prompt: prompt.replace('\n', '\r\n') }),
        video({ prompt: prompt.replace('\n', '\r\n') }),
      ];
      const looks = await Promise.all(twins.map((twin) => find(twin, [page(changed)])));
      // Whoever came second to the same one finds the other at his next look.
      const again = await Promise.all(twins.map((twin) => find(twin, [page(changed)])));
      expect(looks.filter(({ outcome }) => outcome === 'adopted').length).toBeGreaterThan(0);
      const adopted = again.map((found) => (found.outcome === 'adopted' ? found.providerVideoId : found));
      expect(adopted.toSorted()).toEqual(changed.map(({ id }) => id).toSorted());
    }
  });

  it('wait while there are fewer videos: the one may be either’s', async () => {
    const [provider, tenant] = [another(), await openTenant(db, 3 * PRICE)];
    const prompt = randomUUID();
    const [one] = [await lost(prompt, { provider, tenant }), await lost(prompt, { provider, tenant })];
    const videos = [video({ prompt }), video({ prompt }), video({ prompt })];
    for (const listed of [videos.slice(0, 1), videos]) {
      expect(await find(one, [page(listed)])).toMatchObject({ outcome: 'unclear' });
    }
  });

  it('are never of two accounts', async () => {
    const [provider, prompt] = [another(), randomUUID()];
    const twins = [await lost(prompt, { provider }), await lost(prompt, { provider })];
    const videos = [video({ prompt }), video({ prompt })];
    for (const twin of twins) expect(await find(twin, [page(videos)])).toMatchObject({ outcome: 'unclear' });
  });
});

describe('where a list may end before its last page', () => {
  const days = (count: number) => count * 24 * HOUR_MS;
  const old = () => video({ createdAt: ago(days(3)) });

  it.each([
    ['a clock that is known', 0, 'not_found'],
    ['a clock that is three days behind, as its answers say', -days(3), 'adopted'],
    ['a clock of which it says nothing', null, 'adopted'],
  ])('is told by %s', async (_what, clockSkewMs, outcome) => {
    const mine = await lost();
    const made = video({ prompt: mine.prompt, createdAt: ago(days(3)) });
    const pages = [page([old()], { hasMore: true, clockSkewMs }), page([made], { clockSkewMs })];
    expect(await find(mine, pages)).toMatchObject({ outcome });
  });

  it('is nowhere in one that shows more videos than are looked through, however few its pages', async () => {
    const mine = await lost();
    const many = () =>
      page(
        Array.from({ length: 6000 }, () => video()),
        { hasMore: true },
      );
    expect(await find(mine, [many(), many(), page([])])).toMatchObject({ outcome: 'unclear', calls: 2 });
  });
});

// MR-36
describe('a list that can’t be read whole', () => {
  const other = video({ createdAt: ago(HOUR_MS) });
  const another1 = video({ createdAt: ago(HOUR_MS) });
  it.each<[string, VideoPage[], number]>([
    ['brings the same page whatever is asked', [page([other], { hasMore: true })], 2],
    ['has empty pages with new cursors', [page([], { hasMore: true, lastId: 'more' })], 1],
    [
      'has two pages that name each other',
      [page([other], { hasMore: true }), page([another1], { hasMore: true }), page([other], { hasMore: true })],
      3,
    ],
    ['has more, but not where', [page([other], { hasMore: true, lastId: null })], 1],
    ['has an entry that is unreadable', [page([], { unreadable: 1 })], 1],
  ])('for it %s proves nothing, and ends the look', async (_what, pages, calls) => {
    const mine = await lost();
    expect(await find(mine, pages)).toMatchObject({ outcome: 'unclear', calls });
    expect(await isOpen(mine)).toBe(true);
  });

  it('still shows what is equal to what was asked for, but nothing less', async () => {
    const mine = await lost();
    const circle = (made: ProviderVideo) => [page([made], { hasMore: true })];
    expect(await find(mine, circle(video({ prompt: ` ${mine.prompt}` })))).toMatchObject({ outcome: 'unclear' });
    expect(await find(mine, circle(video({ prompt: mine.prompt })))).toMatchObject({ outcome: 'adopted' });
  });

  it('is not read beyond a hundred pages', async () => {
    const mine = await lost();
    let calls = 0;
    const listVideos = async () => {
      calls += 1;
      return page([video({ createdAt: ago(HOUR_MS) })], { hasMore: true });
    };
    expect(await find(mine, [], { listVideos })).toMatchObject({ outcome: 'unclear' });
    expect(calls).toBe(100);
  });

  it('for it broke off in the middle is not read from its beginning at once', async () => {
    const mine = await lost();
    const broken = {
      outcome: 'transient',
      why: 'HTTP 500',
      status: 500,
      retryAfterMs: null,
      debt: null,
      whose: 'provider',
    } as const;
    const pages = [page([video()], { hasMore: true }), broken as unknown as VideoPage];
    await expect(find(mine, pages)).rejects.toMatchObject({ nextRetryDelay: 60_000 });
    expect(await isOpen(mine)).toBe(true);
  });
});
