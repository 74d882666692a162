import { afterAll, beforeAll, expect, it } from 'vitest';
import { PRICE } from '../harness/support/database.ts';
import { ask, expectNoDrift, untilSettled } from '../harness/support/generations.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** A video made from another (MR-89). */

let stack: TestStack;
let account: TestAccount;
let original: string;
beforeAll(async () => {
  stack = await startStack();
  account = await openAccount(stack, 100_000_000);
  original = await ask(account, 'a red fox');
  await untilSettled(stack, [original]);
});
afterAll(async () => {
  await expectNoDrift(stack);
  await stack.stop();
});

it("is made by OpenAI's SDK, at the price of its original, and says what it is made from", async () => {
  const before = (await account.credits()).available_microcredits;
  const remix = await account.client.videos.remix(original, { prompt: 'the same fox at night' });
  expect(remix).toMatchObject({ remixed_from_video_id: original, seconds: '4', prompt: 'the same fox at night' });
  await untilSettled(stack, [remix.id]);
  expect(await account.client.videos.retrieve(remix.id)).toMatchObject({ status: 'completed' });
  expect((await account.credits()).available_microcredits).toBe(before - PRICE);
});

it('whose reply was lost is found by what it is made from, and paid once', async () => {
  const prompt = 'a lost fox [[create:lost-reply]]';
  const remix = await account.client.videos.remix(original, { prompt });
  await untilSettled(stack, [remix.id]);
  expect(await account.client.videos.retrieve(remix.id)).toMatchObject({ status: 'completed' });
});

it('is refused while its original is open', async () => {
  const open = await ask(account, 'a fox for ever [[never]]');
  await expect(account.client.videos.remix(open, { prompt: 'mine' })).rejects.toMatchObject({
    code: 'video_not_ready',
  });
});

it('is of own, charged, undeleted videos only', async () => {
  const failed = await ask(account, 'a fox [[fail:moderation_blocked]]');
  const deleted = await ask(account, 'a fox to be deleted');
  await untilSettled(stack, [failed, deleted]);
  await account.client.videos.delete(deleted);
  const stranger = await openAccount(stack, 1_000_000);
  for (const [{ client }, id] of [
    [account, failed],
    [account, deleted],
    [account, 'video_none'],
    [stranger, original],
  ] as const) {
    await expect(client.videos.remix(id, { prompt: 'mine' })).rejects.toMatchObject({ status: 404, code: 'not_found' });
  }
  expect(await stranger.credits()).toMatchObject({ available_microcredits: 1_000_000, held_microcredits: 0 });
});
