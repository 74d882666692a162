import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask, untilSettled } from '../harness/support/generations.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { ADMIN_KEY, openAccount, startStack } from '../harness/support/stack.ts';

/** A gateway's insides are the operator's to read; its customer gets plain words. */

let stack: TestStack;
let account: TestAccount;
beforeAll(async () => {
  stack = await startStack({ videoSeconds: 0.2 });
  account = await openAccount(stack, 100_000_000);
});
afterAll(async () => {
  await stack.stop();
});

const RAW = 'litellm.BadRequestError - no healthy deployment in model group video';

it.each([
  ['fails', `[[fail:no_gpu:${RAW}]]`, 'no_gpu'],
  ['is refused', `[[create:400:bad_thing:${RAW}]]`, 'bad_thing'],
])(
  'a video that %s in a gateway’s words is told in ours, and the operator reads those words',
  async (_what, prompt, code) => {
    const id = await ask(account, prompt);
    await untilSettled(stack, [id]);
    const { error } = await account.client.videos.retrieve(id);
    expect(error).toEqual({ code, message: 'The provider could not make this.' });
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    const operators = await (await fetch(`${stack.url}/admin/videos?id=${id}`, { headers })).json();
    expect(operators).toMatchObject({ data: [{ provider_error: { message: RAW } }] });
  },
);
