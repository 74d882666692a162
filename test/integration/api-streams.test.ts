import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ask } from '../harness/support/generations.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { ADMIN_KEY, openAccount, startStack } from '../harness/support/stack.ts';

/** Streams are bounded, a key and in all, and end with their key. */

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack({ streamLimits: { ofOneKey: 2, inAll: 3 } });
});
afterAll(async () => {
  await stack.stop();
});

async function open({ fetch }: TestAccount, id: string) {
  const leaving = new AbortController();
  const answer = await fetch(`/v1/videos/${id}/events`, { signal: leaving.signal });
  return { status: answer.status, answer, leave: () => leaving.abort() };
}

const REFUSED = { code: 'rate_limited', retryAfter: '10' };
async function refusal(answer: Response) {
  // A stream that is served instead has no end to be read.
  expect(answer.status).toBe(429);
  const { error } = (await answer.json()) as { error: { code: string; message: string } };
  expect(error.message).toContain('Close a stream, or try again in 10 s');
  return { code: error.code, retryAfter: answer.headers.get('retry-after') };
}

it.skipIf(process.env['TEST_TWICE'] === '1')(
  'of one key there are so many, and in all so many; who leaves makes room',
  async () => {
    const [many, other, third] = [
      await openAccount(stack, 1_000_000_000),
      await openAccount(stack, 1_000_000_000),
      await openAccount(stack, 1_000_000_000),
    ];
    const mine = await ask(many, 'mine [[never]]');
    const its = await ask(other, 'its [[never]]');
    const watching = [await open(many, mine), await open(many, mine)];
    expect(watching.map(({ status }) => status)).toEqual([200, 200]);
    expect(await refusal((await open(many, mine)).answer)).toEqual(REFUSED);
    watching.push(await open(other, its));
    expect(watching[2]?.status).toBe(200);
    expect(await refusal((await open(other, its)).answer)).toEqual(REFUSED);
    const text = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"topic":"t"}' };
    expect(await refusal(await third.fetch('/v1/scripts', text))).toEqual(REFUSED);
    expect(await third.credits()).toMatchObject({ available_microcredits: 1_000_000_000, held_microcredits: 0 });

    watching[0]?.leave();
    await vi.waitFor(async () => expect((await third.fetch('/v1/scripts', text)).status).toBe(200), 10_000);
    await vi.waitFor(async () => expect((await third.fetch('/v1/scripts', text)).status).toBe(200), 10_000);
    for (const { leave } of watching) leave();
  },
);

it('a key that is revoked ends its stream within a minute', { timeout: 90_000 }, async () => {
  const account = await openAccount(stack, 1_000_000_000);
  const id = await ask(account, 'watched [[never]]');
  const { answer, status } = await open(account, id);
  expect(status).toBe(200);
  const headers = { authorization: `Bearer ${ADMIN_KEY}` };
  const keys = await fetch(`${stack.url}/admin/accounts/${account.id}/keys`, { headers });
  const [key] = ((await keys.json()) as { data: { id: string }[] }).data;
  await fetch(`${stack.url}/admin/accounts/${account.id}/keys/${key?.id}`, { method: 'DELETE', headers });
  expect(await answer.text()).not.toContain('"settled"');
  expect((await account.fetch(`/v1/videos/${id}/events`)).status).toBe(401);
});
