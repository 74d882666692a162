import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProviderVideo } from '../../provider/index.ts';
import type { TestDatabase } from '../harness/support/database.ts';
import { PRICE, createTestDatabase, openTenant } from '../harness/support/database.ts';
import { type Lost, another, lostCreates, page, video } from '../harness/support/lostCreates.ts';

/** What a list of less than OpenAI's shows and proves of an attempt that may have arrived. */

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

// MR-78
describe('a list that may not show every video', () => {
  const partial = (videos: ProviderVideo[]) => page(videos, { isComplete: false });

  it('never proves that nothing was made', async () => {
    const mine = await lost();
    const old = video({ createdAt: ago(HOUR_MS) });
    const more = { hasMore: true };
    for (const pages of [
      [partial([])],
      [page([old], more), partial([])],
      [page([old], { ...more, isComplete: false }), page([])],
    ]) {
      expect(await find(mine, pages)).toMatchObject({ outcome: 'unclear' });
    }
    expect(await isOpen(mine)).toBe(true);
    expect(await find(mine, [page([])])).toMatchObject({ outcome: 'not_found' });
  });

  it('shows what is adopted all the same: what is equal, also of twins', async () => {
    const mine = await lost();
    const made = video({ prompt: mine.prompt });
    expect(await find(mine, [partial([made, video()])])).toMatchObject({ providerVideoId: made.id });
    const [provider, tenant, prompt] = [another(), await openTenant(db, 3 * PRICE), randomUUID()];
    const twins = [await lost(prompt, { provider, tenant }), await lost(prompt, { provider, tenant })];
    const videos = [video({ prompt }), video({ prompt })];
    expect(await find(twins[0] as Lost, [partial(videos)])).toMatchObject({ outcome: 'adopted' });
    expect(await find(twins[1] as Lost, [partial(videos)])).toMatchObject({ outcome: 'adopted' });
  });

  // MR-34
  it('shows nothing that is adopted for a text that was changed: what fits better may be hidden', async () => {
    const mine = await lost();
    expect(await find(mine, [partial([video({ prompt: `${mine.prompt} ` })])])).toMatchObject({ outcome: 'unclear' });
  });
});

// MR-35, MR-37
describe('a list that shows no prompts', () => {
  const silent = (changes: Partial<ProviderVideo> = {}) => video({ prompt: null, ...changes });

  it('holds up no search by what is older, by the clock of creates that we timed', async () => {
    const mine = await lost();
    const known = { ...(await timed(mine.provider, -2 * HOUR_MS)), prompt: null };
    const before = silent({ createdAt: ago(2 * HOUR_MS + 5 * 60_000) });
    expect(await find(mine, [page([known, before])])).toMatchObject({ outcome: 'not_found' });
  });

  // MR-31
  it('holds it up where the provider’s clock may have been corrected since: also by what looks the same', async () => {
    const mine = await lost();
    const known = { ...(await timed(mine.provider, 5 * 60_000)), prompt: null };
    const now = new Date();
    for (const since of [silent({ createdAt: now }), video({ prompt: mine.prompt, createdAt: now })]) {
      expect(await find(mine, [page([known, since])])).toMatchObject({ outcome: 'unclear' });
    }
    expect(await isOpen(mine)).toBe(true);
  });

  it('holds it up by what may have been made since', async () => {
    const mine = await lost();
    const known = { ...(await timed(mine.provider, -2 * HOUR_MS)), prompt: null };
    for (const createdAt of [ago(2 * HOUR_MS), new Date(), null]) {
      expect(await find(mine, [page([known, silent({ createdAt })])])).toMatchObject({ outcome: 'unclear' });
    }
    expect(await isOpen(mine)).toBe(true);
  });

  it('holds it up by whatever seems older, where no create tells the clock: the date of an answer doesn’t', async () => {
    const mine = await lost();
    const old = silent({ createdAt: ago(8 * HOUR_MS) });
    for (const clockSkewMs of [0, null]) {
      expect(await find(mine, [page([old], { clockSkewMs })])).toMatchObject({ outcome: 'unclear' });
    }
  });

  it('holds it up by nothing that has an owner, or that was listed before', async () => {
    const mine = await lost();
    const owned = await timed(mine.provider, 0);
    const earlier = silent({ createdAt: null });
    const provider = another();
    await db.ledger.noteOwnerlessVideos(provider.identity, [earlier.id]);
    const later = await lost(randomUUID(), { provider });
    expect(await find(mine, [page([{ ...owned, prompt: null }])])).toMatchObject({ outcome: 'not_found' });
    expect(await find(later, [page([earlier])])).toMatchObject({ outcome: 'not_found' });
  });
});
