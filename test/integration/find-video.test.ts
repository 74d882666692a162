import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProviderActivities } from '../../activities/providerActivities.ts';
import type { FindOutcome } from '../../contracts/activities.ts';
import type { Provider, ProviderVideo, VideoPage } from '../../provider/index.ts';
import type { TestDatabase } from '../support/database.ts';
import { PRICE, admit, createTestDatabase, openTenant } from '../support/database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(async () => {
  await db.drop();
});

const PROVIDER = { baseUrl: 'http://provider/v1', credential: 'one' };

/** A generation whose only create may have arrived; answers with its id and what it asked for. */
async function lost(): Promise<{ id: string; prompt: string }> {
  const prompt = randomUUID();
  const id = await admit(db, await openTenant(db, PRICE), prompt);
  await db.ledger.placeHold(id, 3600);
  await db.ledger.beginCreate(id, PROVIDER);
  return { id, prompt };
}

function video(changes: Partial<ProviderVideo>): ProviderVideo {
  return {
    id: randomUUID(),
    verdict: 'open',
    status: 'queued',
    progress: null,
    createdAt: new Date(),
    completedAt: null,
    errorCode: null,
    errorMessage: null,
    prompt: 'of somebody else',
    model: 'sora-2',
    seconds: 4,
    size: '720x1280',
    remixedFrom: null,
    ...changes,
  };
}

const page = (videos: ProviderVideo[], more: Partial<VideoPage> = {}): VideoPage => ({
  outcome: 'listed',
  videos,
  unreadable: 0,
  hasMore: false,
  lastId: videos.at(-1)?.id ?? null,
  ...more,
});

/** Looks with a provider that lists these pages, when it has been looked for long enough. */
async function find(
  generationId: string,
  pages: VideoPage[],
  provider: Partial<Provider> = PROVIDER,
): Promise<FindOutcome> {
  let asked = 0;
  const listed = { listVideos: async () => pages[asked++] ?? page([]), ...provider } as unknown as Provider;
  const activities = createProviderActivities({
    ledger: db.ledger,
    provider: listed,
    providerEventsExpected: false,
    lookForCreateMs: 0,
    textLeaseMs: 1000,
    count: () => undefined,
    at: () => undefined,
  });
  return new MockActivityEnvironment().run(activities.findVideo, { generationId }) as Promise<FindOutcome>;
}

const HOUR_MS = 3_600_000;
const ago = (ms: number) => new Date(Date.now() - ms);

describe('looking for a create that may have arrived', () => {
  it('adopts the only video that is what was asked for, on whichever page', async () => {
    const { id, prompt } = await lost();
    const mine = video({ prompt });
    const pages = [page([video({})], { hasMore: true }), page([mine])];
    expect(await find(id, pages)).toMatchObject({ outcome: 'adopted', providerVideoId: mine.id });
    // Asked again, it answers with what is on record.
    expect(await find(id, [])).toMatchObject({ outcome: 'adopted', providerVideoId: mine.id });
  });

  it('answers with the video whose late answer was recorded while it looked', async () => {
    const { id, prompt } = await lost();
    const mine = video({ prompt });
    const listVideos = async () => {
      const ended = { outcome: 'created', providerVideoId: mine.id, providerCreatedAt: new Date() } as const;
      await db.ledger.endCreate(id, 1, ended);
      // As it was listed before: `find` does not hear from this one that the video has an owner.
      return page([video({ prompt })]);
    };
    expect(await find(id, [], { ...PROVIDER, listVideos })).toMatchObject({
      outcome: 'adopted',
      providerVideoId: mine.id,
    });
  });

  it('closes the attempt when nothing that is listed could be meant', async () => {
    const { id } = await lost();
    expect(await find(id, [page([video({ createdAt: ago(HOUR_MS) })])])).toEqual({ outcome: 'not_found' });
  });

  it.each<[string, (prompt: string) => Partial<ProviderVideo>]>([
    ['with its prompt not shown', () => ({ prompt: null })],
    ['of a model by another name', (prompt) => ({ prompt, model: 'sora-2-2025-10-06' })],
    ['without its seconds', (prompt) => ({ prompt, seconds: null })],
    ['of about that time with its prompt rewritten', () => ({ prompt: 'rewritten' })],
    ['with its time in another zone', (prompt) => ({ prompt, createdAt: ago(8 * HOUR_MS) })],
  ])('a video %s is not adopted, and no proof that nothing was made', async (_what, changes) => {
    const { id, prompt } = await lost();
    expect((await find(id, [page([video(changes(prompt))])])).outcome).toBe('unclear');
    expect(await db.ledger.getOpenAttempt(id)).toMatchObject({ number: 1 });
  });

  it('reads on in a list that comes oldest first', async () => {
    const { id, prompt } = await lost();
    const old = [video({ createdAt: ago(50 * HOUR_MS) }), video({ createdAt: ago(40 * HOUR_MS) })];
    const mine = video({ prompt });
    expect(await find(id, [page(old, { hasMore: true }), page([mine])])).toMatchObject({ providerVideoId: mine.id });
  });

  it('concludes nothing from a list that was not read whole', async () => {
    const { id } = await lost();
    const unread: VideoPage[][] = [[page([], { hasMore: true, lastId: null })], [page([], { unreadable: 1 })]];
    for (const pages of unread) await expect(find(id, pages)).rejects.toThrow('list');
    expect(await db.ledger.getOpenAttempt(id)).toMatchObject({ number: 1 });
  });

  it('concludes nothing from the list of another provider, or of another key', async () => {
    const { id } = await lost();
    for (const other of [
      { ...PROVIDER, baseUrl: 'http://elsewhere/v1' },
      { ...PROVIDER, credential: 'two' },
    ]) {
      await expect(find(id, [page([])], other)).rejects.toThrow('another provider');
    }
    expect(await db.ledger.getOpenAttempt(id)).toMatchObject({ number: 1 });
  });
});
