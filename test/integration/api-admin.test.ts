import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PRICE } from '../harness/support/database.ts';
import { ask, expectNoDrift, movementsOf, untilSettled } from '../harness/support/generations.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { ADMIN_KEY, openAccount, startStack } from '../harness/support/stack.ts';

/** What an operator does over HTTP. */

const GRANTED = 10_000_000;
let stack: TestStack;
let account: TestAccount;
beforeAll(async () => {
  stack = await startStack();
  account = await openAccount(stack, GRANTED);
});
afterAll(async () => {
  await expectNoDrift(stack);
  await stack.stop();
});

async function admin(method: string, path: string, body?: unknown, key?: string) {
  const answer = await fetch(`${stack.url}/admin${path}`, {
    method,
    headers: {
      authorization: `Bearer ${ADMIN_KEY}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const replayed = answer.headers.get('idempotency-replayed');
  return { status: answer.status, replayed, body: (await answer.json()) as Record<string, unknown> };
}
const refusal = (code: string, param: string | null = null) => ({ error: { code, param } });

describe('a refund', () => {
  it('gives back a part, then the rest, never more, and once a key, whose repeat is answered as it was', async () => {
    const id = await ask(account, 'a fox');
    await untilSettled(stack, [id]);
    const refund = (key: string, body: object) => admin('POST', `/videos/${id}/refund`, body, key);
    const part = { amount_microcredits: 100_000, reason: 'a stutter' };
    const first = await refund('one', part);
    expect(first).toMatchObject({
      status: 200,
      body: { amount_microcredits: 100_000, refundable_microcredits: PRICE - 100_000 },
    });
    expect(await refund('one', part)).toMatchObject({ status: 200, replayed: 'true' });
    expect(await refund('one', { ...part, reason: 'another' })).toMatchObject({
      status: 422,
      body: refusal('idempotency_key_reused', 'Idempotency-Key'),
    });
    expect(await refund('two', { amount_microcredits: PRICE, reason: 'too much' })).toMatchObject({
      status: 409,
      body: refusal('not_refundable', 'amount_microcredits'),
    });
    expect(await refund('three', { reason: 'all of it' })).toMatchObject({
      body: { amount_microcredits: PRICE - 100_000, refundable_microcredits: 0 },
    });
    expect(await refund('one', part)).toEqual({ ...first, replayed: 'true' });
    expect((await refund('four', { reason: 'again' })).status).toBe(409);
    expect(await account.credits()).toMatchObject({ available_microcredits: GRANTED, held_microcredits: 0 });
    expect(await movementsOf(stack, id)).toEqual(['hold', 'capture', 'refund', 'refund']);
  });

  it('is refused for what was never charged, or is not there, or without a key', async () => {
    const id = await ask(account, 'blocked [[fail:moderation_blocked]]');
    await untilSettled(stack, [id]);
    const body = { reason: 'why not' };
    expect(await admin('POST', `/videos/${id}/refund`, body, 'a')).toMatchObject({
      status: 409,
      body: refusal('not_refundable'),
    });
    const unknown = `video_${'0'.repeat(32)}`;
    expect((await admin('POST', `/videos/${unknown}/refund`, body, 'b')).status).toBe(404);
    expect((await admin('POST', '/videos/nonsense/refund', body, 'c')).status).toBe(404);
    expect(await admin('POST', `/videos/${id}/refund`, body)).toMatchObject({
      status: 400,
      body: refusal('invalid_request', 'Idempotency-Key'),
    });
  });
});

describe('an account', () => {
  it('is frozen: no new videos, and what it has stays; and goes on again', async () => {
    const frozen = await openAccount(stack, GRANTED);
    const freeze = (isFrozen: boolean, key: string) =>
      admin('POST', `/accounts/${frozen.id}/freeze`, { frozen: isFrozen, reason: 'looked at' }, key);
    expect((await freeze(true, 'f1')).body).toMatchObject({ frozen: true });
    await expect(frozen.client.videos.create({ prompt: 'a fox' })).rejects.toMatchObject({ status: 403 });
    expect((await freeze(true, 'f1')).replayed).toBe('true');
    expect((await freeze(false, 'f2')).body).toMatchObject({ frozen: false });
    expect((await frozen.client.videos.create({ prompt: 'a fox' })).id).toBeTruthy();
    expect((await admin('POST', `/accounts/acct_${'0'.repeat(32)}/freeze`, { reason: 'x' }, 'f3')).status).toBe(404);
  });

  it('is listed with what it has, page after page', async () => {
    const first = await admin('GET', '/accounts?limit=1');
    expect(first.body).toMatchObject({ object: 'list', has_more: true });
    const rest = await admin('GET', `/accounts?after=${String(first.body['last_id'])}`);
    const ids = [first, rest].flatMap(({ body }) => (body['data'] as { id: string }[]).map(({ id }) => id));
    expect(ids).toContain(account.id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('loses a key at once when that is revoked, and only its own', async () => {
    const mine = await openAccount(stack, GRANTED);
    const { rows } = await stack.database.admin.query<{ id: string }>('SELECT id FROM api_keys WHERE account_id = $1', [
      mine.id,
    ]);
    const keyId = rows[0]?.id ?? '';
    expect((await admin('DELETE', `/accounts/${account.id}/keys/${keyId}`)).status).toBe(404);
    expect((await mine.fetch('/v1/credits')).status).toBe(200);
    const revoked = await admin('DELETE', `/accounts/${mine.id}/keys/${keyId}`);
    expect(revoked.status).toBe(200);
    expect((await mine.fetch('/v1/credits')).status).toBe(401);
    expect((await admin('DELETE', `/accounts/${mine.id}/keys/${keyId}`)).body).toEqual(revoked.body);
  });
});

describe('a price', () => {
  const price = { model: 'sora-2', size: '1280x720', cost_per_second_microcredits: 200_000, margin_basis_points: 3000 };

  it('counts from now on, once a key; what is held keeps its own', async () => {
    const buyer = await openAccount(stack, GRANTED);
    const create = async () =>
      (await (
        await buyer.fetch('/v1/videos', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ prompt: `wide ${Math.random()} [[never]]`, size: '1280x720', seconds: '4' }),
        })
      ).json()) as { id: string; credits: { amount_microcredits: number } };
    const before = await create();
    expect((await admin('POST', '/prices', price, 'p1')).status).toBe(200);
    expect((await admin('POST', '/prices', price, 'p1')).replayed).toBe('true');
    expect((await create()).credits.amount_microcredits).toBe(1_142_858);
    const shown = (await (await buyer.fetch(`/v1/videos/${before.id}`)).json()) as typeof before;
    expect(shown.credits.amount_microcredits).toBe(PRICE);
  });

  it('is refused for a moment that is over, or an amount that is none', async () => {
    expect(await admin('POST', '/prices', { ...price, effective_from: 1 }, 'p2')).toMatchObject({
      status: 409,
      body: refusal('price_conflict', 'effective_from'),
    });
    expect((await admin('POST', '/prices', { ...price, cost_per_second_microcredits: 0 }, 'p3')).status).toBe(400);
    expect((await admin('POST', '/prices', { ...price, cost_per_second_microcredits: 2 ** 53 - 1 }, 'p4')).status).toBe(
      400,
    );
  });
});

describe('what an operator looks at', () => {
  it('is the overview and the emergency releases', async () => {
    expect((await admin('GET', '/overview')).body).toMatchObject({
      object: 'overview',
      stuck_holds: 0,
      failures: [{ code: 'moderation_blocked', generations: 1 }],
    });
    expect((await admin('GET', '/emergency_releases')).body).toEqual({
      object: 'list',
      data: [],
      first_id: null,
      last_id: null,
      has_more: false,
    });
  });

  it('is nothing for a customer’s key', async () => {
    for (const [method, path] of [
      ['GET', '/accounts'],
      ['GET', '/overview'],
      ['GET', '/emergency_releases'],
      ['POST', '/prices'],
      ['POST', `/accounts/${account.id}/freeze`],
      ['DELETE', `/accounts/${account.id}/keys/key_1`],
      ['POST', '/videos/video_1/refund'],
    ] as const) {
      const answer = await account.fetch(`/admin${path}`, { method });
      expect([path, answer.status]).toEqual([path, 401]);
    }
  });
});

describe('a body that does not say that it is JSON', () => {
  it.each([
    ['a form', 'application/x-www-form-urlencoded', '{"dry_run": true}'],
    ['text', 'text/plain', '{"dry_run": true}'],
  ])('%s is refused, and is no empty object whose defaults are obeyed', async (_what, type, body) => {
    const answer = await fetch(`${stack.url}/admin/reconcile`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_KEY}`, ...(type === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body }),
    });
    expect(answer.status).toBe(415);
    expect(await answer.json()).toMatchObject(refusal('unsupported_media_type'));
  });
});
