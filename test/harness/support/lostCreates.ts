import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createProviderActivities } from '../../../activities/providerActivities.ts';
import type { FindOutcome } from '../../../contracts/activities.ts';
import { type Provider, providersOf, type ProviderVideo, type VideoPage } from '../../../provider/index.ts';
import type { TestDatabase, Tenant } from './database.ts';
import { PRICE, admit, openTenant } from './database.ts';

/** Attempts whose answer was lost, and searches for their videos. */

/** A separate provider for each test, so that its list has no other test's videos. */
export const another = () => ({ identity: `openai@http://${randomUUID()}` });

export interface Lost {
  readonly id: string;
  readonly prompt: string;
  readonly provider: { identity: string };
}

export function video(changes: Partial<ProviderVideo> = {}): ProviderVideo {
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
    hasAudio: null,
    remixedFrom: null,
    ...changes,
  };
}

/** A page of a list that shows every video, by a clock without skew. */
export const page = (videos: ProviderVideo[], more: Partial<VideoPage> = {}): VideoPage => ({
  outcome: 'listed',
  videos,
  unreadable: 0,
  hasMore: false,
  lastId: videos.at(-1)?.id ?? null,
  isComplete: true,
  dialect: 'openai',
  clockSkewMs: 0,
  ...more,
});

export function lostCreates(db: () => TestDatabase) {
  /** A generation whose only attempt may have arrived. */
  async function lost(
    prompt: string = randomUUID(),
    { provider = another(), tenant }: { provider?: { identity: string }; tenant?: Tenant } = {},
  ): Promise<Lost> {
    const id = await admit(db(), tenant ?? (await openTenant(db(), PRICE)), prompt);
    await db().ledger.placeHold(id, 3600);
    await db().ledger.beginAttempt(id, [provider]);
    return { id, prompt, provider };
  }

  /** Searches at a provider that lists these pages, then always the last one, after the search has gone on long enough. */
  async function find(
    { id, provider }: Lost,
    pages: VideoPage[],
    { as = provider, ...methods }: Partial<Provider> & { as?: { identity: string } } = {},
  ): Promise<FindOutcome & { calls: number }> {
    let calls = 0;
    const listVideos = async () => pages[Math.min(calls++, pages.length - 1)] ?? page([]);
    const activities = createProviderActivities({
      store: db().ledger,
      providers: providersOf([{ listVideos, readWebhook: null, ...as, ...methods } as unknown as Provider]),
      lookForCreateMs: 0,
      textLeaseMs: 1000,
      count: () => undefined,
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    });
    const found = (await new MockActivityEnvironment().run(activities.findVideo, { generationId: id })) as FindOutcome;
    return { ...found, calls };
  }

  /** A generation whose attempt was answered at once; its video makes the provider's clock known. */
  async function timed(provider: { identity: string }, clockMs: number): Promise<ProviderVideo> {
    const id = await admit(db(), await openTenant(db(), PRICE), randomUUID());
    await db().ledger.placeHold(id, 3600);
    await db().ledger.beginAttempt(id, [provider]);
    const made = video({ createdAt: new Date(Date.now() + clockMs) });
    const providerCreatedAt = made.createdAt;
    await db().ledger.endAttempt(id, 1, { outcome: 'created', providerVideoId: made.id, providerCreatedAt });
    return made;
  }

  return { lost, find, timed };
}
