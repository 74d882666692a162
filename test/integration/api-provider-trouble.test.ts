import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untilTerminal } from '../harness/support/answers.ts';
import { PRICE } from '../harness/support/database.ts';
import type { TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** What a provider may answer while a video is made moves no credits (MR-3, MR-14, MR-15). */

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(async () => {
  await stack.stop();
});

describe('trouble at the provider', () => {
  it.concurrent.each([
    'an unknown status [[status:reticulating]]',
    'a synonym [[terminal:succeeded]]',
    'HTML with 200 [[poll:html*2]]',
    'an empty object [[poll:empty*2]]',
    'a 404 for a while [[poll:404*2]]',
    'a 429 [[poll:429*1]] [[retry-after:2]]',
    'a 401 [[poll:401*1]]',
    'resets [[poll:reset*3]]',
  ])('%s: charged once when it completes', async (prompt) => {
    const account = await openAccount(stack, PRICE);
    const { id } = await account.client.videos.create({ prompt });
    expect((await untilTerminal(account, id)).credits.state).toBe('charged');
    expect(await account.credits()).toMatchObject({ available_microcredits: 0, held_microcredits: 0 });
  });
});
