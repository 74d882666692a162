import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createProviders } from '../../provider/index.ts';
import { PRICE } from '../harness/support/database.ts';
import {
  ask,
  createsOf,
  expectNoDrift,
  forEachOf,
  movementsOf,
  providerVideos,
  untilSettled,
} from '../harness/support/generations.ts';
import { startSpellingGateway } from '../harness/support/spellingGateway.ts';
import type { TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** Behind a gateway that spells each id in three ways, two videos that are made are two that are owned (MR-74). */

vi.setConfig({ testTimeout: 90_000 });

const GRANTED = 100_000_000;
const HOLD_SECONDS = 15;

const providers = (url: string) =>
  createProviders([{ name: 'openai', baseUrl: `${url}/v1`, apiKey: 'key', dialect: 'litellm' }]);

let spelling: TestStack;
/** Its gateway's list shows no prompts. */
let silent: TestStack;
beforeAll(async () => {
  [spelling, silent] = await Promise.all([
    startStack({ providers, lookForCreateMs: 1500, providerBehind: (url) => startSpellingGateway(url) }),
    startStack({
      providers,
      lookForCreateMs: 1500,
      holdTtlSeconds: HOLD_SECONDS,
      providerBehind: (url) => startSpellingGateway(url, { showsPrompts: false }),
    }),
  ]);
});
afterAll(async () => {
  await Promise.all([spelling.stop(), silent.stop()]);
});
afterEach(async () => {
  await Promise.all([expectNoDrift(spelling), expectNoDrift(silent)]);
});

/** Two equal requests, of whose creates the reply to the second is lost; returns how each was settled. */
async function twoEqual(stack: TestStack, prompt: string, tenants = 1) {
  const first = await openAccount(stack, GRANTED);
  const second = tenants === 1 ? first : await openAccount(stack, GRANTED);
  // The directive counts calls of this very prompt: the first create is slow, and its answer arrives; the second is lost.
  const ids = await forEachOf([first, second], 1, (account) => ask(account, prompt));
  return { ids, settled: await untilSettled(stack, ids) };
}

describe('two equal requests, the reply to one of which is lost', () => {
  it.each([
    ['of one account', 1],
    ['of two accounts', 2],
  ])('%s: two videos are made, two owned, and each is charged once', async (_what, tenants) => {
    const prompt = `equal ${tenants} [[create:lost-reply*1]] [[after:3s]]`;
    const { ids, settled } = await twoEqual(spelling, prompt, tenants);
    for (const each of settled) expect(each).toMatchObject({ state: 'charged', charged: PRICE });
    expect(settled.map(({ attempts }) => attempts[0]).toSorted()).toEqual(['adopted', 'created']);
    expect(new Set(settled.map(({ video }) => video)).size).toBe(2);
    expect(await createsOf(spelling, prompt)).toBe(2);
    expect((await providerVideos(spelling)).filter((video) => video.prompt === prompt)).toHaveLength(2);
    for (const id of ids) expect(await movementsOf(spelling, id)).toEqual(['hold', 'capture']);
  });

  it('at a list that never shows prompts: the lost one is never given the video of the other, nor made again', async () => {
    const prompt = 'silent [[create:lost-reply*1]] [[after:2s]]';
    const { settled } = await twoEqual(silent, prompt, 2);
    expect(settled.map(({ state }) => state).toSorted()).toEqual(['charged', 'released']);
    const [charged, released] = settled.toSorted((a, b) => (a.state < b.state ? -1 : 1));
    expect(charged).toMatchObject({ charged: PRICE, attempts: ['created'] });
    expect(released).toMatchObject({ code: 'generation_timeout', video: null, attempts: [null] });
    expect(await createsOf(silent, prompt)).toBe(2);
  });
});
