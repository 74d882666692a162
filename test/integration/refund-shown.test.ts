import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, expectNoDrift, untilSettled } from '../harness/support/generations.ts';
import { bendHold, loseVideo, reconcile, untilProviderEnds } from '../harness/support/reconciling.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { ADMIN_KEY, adminPost, openAccount, startStack } from '../harness/support/stack.ts';

/** A refund is visible where the charge was: in the video, its timeline, the statement and the overview. */

const PRICE = 571_429;
const GRANTED = 2_000_000;
let stack: TestStack;
beforeAll(async () => {
  stack = await startStack({ videoSeconds: 0.2 });
});
afterAll(async () => {
  await expectNoDrift(stack);
  await stack.stop();
});

type Body = Record<string, unknown> & { credits: Record<string, unknown> };
const get = async (account: TestAccount, path: string) => (await (await account.fetch(path)).json()) as Body;
const creditsOf = async (account: TestAccount, id: string) => (await get(account, `/v1/videos/${id}`)).credits;
const refund = async (id: string, amount: number | undefined, key: string) => {
  const body = { ...(amount === undefined ? {} : { amount_microcredits: amount }), reason: 'the video is black' };
  expect((await adminPost(stack, `/videos/${id}/refund`, body, { 'idempotency-key': key })).status).toBe(200);
};
const steps = async (account: TestAccount, id: string) =>
  ((await get(account, `/v1/videos/${id}/timeline`))['data'] as { type: string; message: string }[]) ?? [];
const charged = async () => {
  const account = await openAccount(stack, GRANTED);
  const id = await ask(account, 'to be refunded');
  expect(await untilSettled(stack, [id])).toMatchObject([{ state: 'charged' }]);
  return { account, id };
};

// MR-97
describe('what was refunded of a charge', () => {
  it('is told with the charge: how much, by whom and when; a part first, then all', async () => {
    const { account, id } = await charged();
    expect(await creditsOf(account, id)).toMatchObject({ state: 'charged', refunded_microcredits: 0 });
    expect(await creditsOf(account, id)).not.toHaveProperty('refunded_by');
    await refund(id, 71_429, 'part');
    expect(await creditsOf(account, id)).toMatchObject({
      state: 'charged',
      amount_microcredits: PRICE,
      refunded_microcredits: 71_429,
      refunded_by: 'the operator',
      refunded_at: expect.any(Number),
      message: expect.stringMatching(
        /^0\.571429 credits were charged for this video\. 0\.071429 of them were refunded, last by the operator, on \S+Z; 0\.500000 remain charged\.$/,
      ),
    });
    await refund(id, undefined, 'rest');
    expect(await creditsOf(account, id)).toMatchObject({
      state: 'charged',
      refunded_microcredits: PRICE,
      message: expect.stringMatching(/charged for this video\. All of them were refunded by the operator, on \S+Z\.$/),
    });
    const told = (await steps(account, id)).filter(({ type }) => type === 'credits_refunded');
    expect(told.map(({ message }) => message)).toEqual([
      '0.071429 of the charged credits were refunded by the operator',
      '0.500000 of the charged credits were refunded by the operator',
    ]);
    const listed = (await get(account, '/v1/videos'))['data'] as Body[];
    expect(listed[0]?.credits).toMatchObject({ refunded_microcredits: PRICE });
  });

  it('by Holdfast itself is told as such', async () => {
    const { account, id } = await charged();
    await refund(id, undefined, 'own');
    const client = await stack.database.admin.connect();
    await client.query('BEGIN; SET LOCAL session_replication_role = replica');
    await client.query("UPDATE refunds SET actor = 'holdfast' WHERE generation_id = $1", [id]);
    await client.query('COMMIT');
    client.release();
    expect(await creditsOf(account, id)).toMatchObject({
      refunded_by: 'Holdfast itself',
      message: expect.stringContaining('refunded by Holdfast itself'),
    });
  });

  it('is in the totals of the statement, and in the overview apart from what was released', async () => {
    const { account, id } = await charged();
    const failed = await ask(account, 'blocked [[fail:moderation_blocked]]');
    await untilSettled(stack, [failed]);
    const overview = async () =>
      (await (
        await fetch(`${stack.url}/admin/overview`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } })
      ).json()) as Record<string, number>;
    const before = await overview();
    await refund(id, 71_429, 'part');
    expect((await get(account, '/v1/credits/transactions'))['totals']).toEqual({
      granted_microcredits: GRANTED,
      clawed_back_microcredits: 0,
      charged_microcredits: PRICE,
      refunded_microcredits: 71_429,
    });
    const now = new Date(Date.now() + 60_000);
    const stated = await stack.database.ledger.getStatement(account.id, new Date(0), now);
    expect(stated.totals).toEqual({
      grantedMicrocredits: GRANTED,
      clawedBackMicrocredits: 0,
      chargedMicrocredits: PRICE,
      refundedMicrocredits: 71_429,
    });
    const after = await overview();
    expect(after['refunded_today']).toBe((before['refunded_today'] ?? 0) + 1);
    expect(after['refunded_today_microcredits']).toBe((before['refunded_today_microcredits'] ?? 0) + 71_429);
    expect(after['released_today']).toBe(before['released_today']);
    expect(after['released_today']).toBeGreaterThanOrEqual(1);
  });
});

describe('a video whose hold was released', () => {
  // MR-97
  it('says that nothing was charged, and has no refund beside it', async () => {
    const account = await openAccount(stack, GRANTED);
    const id = await ask(account, 'blocked [[fail:moderation_blocked]]');
    await untilSettled(stack, [id]);
    const credits = await creditsOf(account, id);
    expect(credits).toMatchObject({
      state: 'refunded',
      message:
        'Nothing was charged: the hold of 0.571429 credits was released. Credits have been refunded to your account.',
    });
    expect(credits).not.toHaveProperty('refunded_microcredits');
    expect((await steps(account, id)).at(-1)).toMatchObject({
      type: 'refunded',
      message: '0.571429 credits returned: it was blocked by moderation',
    });
  });

  it('and that completed late can be claimed until a moment that is told, and no more once it is claimed', async () => {
    const account = await openAccount(stack, GRANTED);
    const lost = await loseVideo(stack, 'late [[after:1s]]', account);
    const { id } = lost;
    await bendHold(stack, id, -1);
    await stack.database.ledger.settleGeneration(id, 'expired');
    await untilProviderEnds(stack, lost);
    await reconcile(stack);
    const open = await creditsOf(account, id);
    const until = new Date(Number(open['claimable_until']) * 1000).toISOString().slice(0, -5);
    expect(open).toMatchObject({
      claimable: true,
      message: expect.stringContaining(`claim it for 0.571429 credits until ${until}`),
    });
    expect((await steps(account, id)).find(({ type }) => type === 'late_completion')?.message).toContain(
      `the video can be claimed at its original price until ${until}`,
    );
    // As long as claiming would be refused it is not offered.
    const set = (table: string, change: string, where: string) =>
      stack.database.admin.query(`UPDATE ${table} SET ${change} WHERE id = $1`, [where]);
    const offered = async () => (await creditsOf(account, id))['claimable'];
    await set('accounts', 'frozen_at = now()', account.id);
    expect(await offered()).toBe(false);
    await set('accounts', 'frozen_at = NULL', account.id);
    await set('generations', "claimable_until = claimable_until - interval '2 days'", id);
    expect(await offered()).toBe(false);
    await set('generations', "claimable_until = claimable_until + interval '2 days'", id);
    expect(await creditsOf(account, id)).toEqual(open);
    expect((await account.fetch(`/v1/videos/${id}/claim`, { method: 'POST' })).status).toBe(200);
    const credits = await creditsOf(account, id);
    expect(credits).toMatchObject({ claimable: false, claimable_until: null });
    expect(credits['message']).not.toContain('claim it');
  });
});

describe('the timeline of a deleted video', () => {
  it('still answers its owner, and nobody else', async () => {
    const { account, id } = await charged();
    expect((await account.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
    expect((await account.fetch(`/v1/videos/${id}`)).status).toBe(404);
    expect((await steps(account, id)).map(({ type }) => type)).toEqual(expect.arrayContaining(['held', 'charged']));
    const other = await openAccount(stack, 0);
    expect((await other.fetch(`/v1/videos/${id}/timeline`)).status).toBe(404);
  });
});

describe('one line in the log', () => {
  it('for a hold, a capture, a release, a refund and a refusal, with ids, amount and reason, and no prompt', async () => {
    const { account, id } = await charged();
    await refund(id, undefined, 'log');
    const failed = await ask(account, 'a secret wish [[fail:moderation_blocked]]');
    await untilSettled(stack, [failed]);
    const poor = await openAccount(stack, 1);
    const refusal = await poor.fetch('/v1/videos', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'a secret wish' }),
    });
    expect(refusal.status).toBe(402);
    const linesOf = (what: string) => stack.told.filter((line) => line.includes(what));
    const accountId = account.id;
    expect(linesOf(id)).toEqual([
      expect.stringMatching(`^hold placed .*"amountMicrocredits":${PRICE}.*"accountId":"${accountId}"`),
      expect.stringMatching(`^hold captured .*"amountMicrocredits":${PRICE}.*"reason":"completed".*"${accountId}"`),
      expect.stringMatching(`^refund .*"amountMicrocredits":${PRICE},"reason":"the video is black"`),
    ]);
    expect(linesOf(failed)).toEqual([
      expect.stringMatching('^hold placed '),
      expect.stringMatching(`^hold released .*"amountMicrocredits":${PRICE}.*"reason":"provider_failed"`),
    ]);
    expect(linesOf(poor.id)).toEqual([
      expect.stringMatching(
        `^request refused .*"status":402,"code":"insufficient_credits","amountMicrocredits":${PRICE}`,
      ),
    ]);
    expect(stack.told.join('\n')).not.toContain('secret wish');
  });
});
