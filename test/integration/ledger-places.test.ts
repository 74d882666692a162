import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { textId, videoId } from '../../contracts/ids.ts';
import type { TestDatabase } from '../harness/support/database.ts';
import { PRICE, admissionRequest, createTestDatabase, openTenant } from '../harness/support/database.ts';
import { BLOCKED, FINISHED, ledgerSteps, OPEN } from '../harness/support/ledgerSteps.ts';
import { offerSteps } from '../harness/support/offerSteps.ts';

/** A provider has no more videos at once than it may have (MR-99). */

let db: TestDatabase;
let tenant: Awaited<ReturnType<typeof openTenant>>;
beforeEach(async () => {
  db = await createTestDatabase(20);
  tenant = await openTenant(db, 100_000_000);
});
afterEach(async () => {
  await db.drop();
});

const { created, seen, settle, outlive, begin } = ledgerSteps(() => db);
const { sold, quote } = offerSteps(() => ({ db, tenant }));
const PROVIDERS = ['openai', 'gpu-1'];

const order = (places: readonly (number | null)[], changes = {}) =>
  db.ledger.admitGeneration(
    admissionRequest(tenant, { providers: PROVIDERS, videosAtOnce: places, ...changes }, randomUUID()),
  );
const outcomeOf = async (admission: Promise<{ outcome: string }>) => (await admission).outcome;

describe('a provider that may have so many videos at once', () => {
  it('gets as many, those included that wait for their hold; the next one is refused and leaves nothing', async () => {
    expect(await outcomeOf(order([2, null]))).toBe('admitted');
    const held = await order([2, null]);
    if (held.outcome !== 'admitted') throw new Error(held.outcome);
    await db.ledger.placeHold(held.generationId, 3600);
    const fresh = await openTenant(db, 10_000_000);
    expect(await order([2, null], { ...fresh, idempotencyKey: 'k' })).toEqual({ outcome: 'provider_full' });
    const { rowCount } = await db.admin.query(
      'SELECT FROM generations WHERE account_id = $1 UNION ALL SELECT FROM idempotency_keys WHERE account_id = $1',
      [fresh.accountId],
    );
    expect(rowCount).toBe(0);
    expect(await outcomeOf(order([3, null]))).toBe('admitted');
    expect(await outcomeOf(order([null, null]))).toBe('admitted');
  });

  it('gives its last place to one of many callers at the same moment', async () => {
    const outcomes = await Promise.all(Array.from({ length: 12 }, () => outcomeOf(order([3, null]))));
    expect(outcomes.filter((outcome) => outcome === 'admitted')).toHaveLength(3);
    expect(outcomes.filter((outcome) => outcome === 'provider_full')).toHaveLength(9);
  });

  it('has a place again once a video is charged or failed, and not while one goes on after its refund', async () => {
    const running = await created();
    expect(await outcomeOf(order([1, null]))).toBe('provider_full');
    await outlive(running.id);
    await settle(running.id, 'expired');
    await db.ledger.recordLook(running.id, running.video, OPEN);
    expect(await outcomeOf(order([1, null]))).toBe('provider_full');
    await db.ledger.recordLook(running.id, running.video, FINISHED);
    const failed = await seen(BLOCKED);
    expect(await outcomeOf(order([1, null]))).toBe('provider_full');
    await settle(failed.id, 'provider_failed');
    expect(await outcomeOf(order([1, null]))).toBe('admitted');
  });

  it('gives an account no more places than it has credits for, however many requests wait for their hold', async () => {
    const poor = await openTenant(db, PRICE);
    expect(await outcomeOf(order([4, null], { ...poor, admitWithinMs: 0 }))).toBe('admitted');
    const outcomes = await Promise.all(Array.from({ length: 4 }, () => outcomeOf(order([4, null], poor))));
    expect(outcomes.toSorted()).toEqual(['admitted', 'provider_full', 'provider_full', 'provider_full']);
    expect(await outcomeOf(order([4, null]))).toBe('admitted');
    expect(await outcomeOf(order([null, null], poor))).toBe('admitted');
  });

  it('has a place again once what was refunded unfinished is no longer seen there; the account’s cap still counts it', async () => {
    const running = await seen(OPEN);
    await outlive(running.id);
    await settle(running.id, 'expired');
    const look = (ago: string) =>
      db.admin.query('UPDATE generations SET last_look_at = now() - $2::interval WHERE id = $1', [running.id, ago]);
    await look('9 minutes');
    expect(await outcomeOf(order([1, null]))).toBe('provider_full');
    await look('11 minutes');
    expect(await outcomeOf(order([1, null]))).toBe('admitted');
    expect((await db.ledger.getBalance(running.tenant.accountId)).activeGenerations).toBe(1);
  });

  it('keeps a place for what is held, however long ago it was seen', async () => {
    const running = await seen(OPEN);
    await db.admin.query("UPDATE generations SET last_look_at = now() - interval '1 hour' WHERE id = $1", [running.id]);
    expect(await outcomeOf(order([1, null]))).toBe('provider_full');
  });

  it('loses no place to a request whose time for a hold is over', async () => {
    await order([1, null], { admitWithinMs: 0 });
    expect(await outcomeOf(order([1, null]))).toBe('admitted');
  });

  it('loses none to another one’s videos, to texts, or to a claim', async () => {
    const late = await created();
    await outlive(late.id);
    await settle(late.id, 'expired');
    await db.ledger.recordLook(late.id, late.video, FINISHED);
    const claim = { ...admissionRequest(late.tenant), generationId: videoId(randomUUID()), claimOf: late.id };
    expect(await outcomeOf(db.ledger.claimGeneration(claim))).toBe('admitted');
    const text = { generationId: textId('script', randomUUID()), model: 'gpt-4.1-mini', request: {} };
    const bounds = { inputBoundTokens: 10, maxOutputTokens: 10 };
    expect(await outcomeOf(db.ledger.admitText({ ...admissionRequest(tenant), ...text, ...bounds }))).toBe('admitted');
    const there = { model: await sold({ provider: 'gpu-1' }), seconds: null, size: null };
    expect(await outcomeOf(order([1, 1], there))).toBe('admitted');
    expect(await quote(there.model, { providers: PROVIDERS, videosAtOnce: [1, 1] })).toMatchObject({
      isProviderFull: true,
    });
    expect(await outcomeOf(order([1, 1], there))).toBe('provider_full');
    expect(await outcomeOf(order([1, 1]))).toBe('admitted');
  });

  it('counts what was begun there under its name, whichever provider is the default one by now', async () => {
    const first = await order([1, null]);
    if (first.outcome !== 'admitted') throw new Error(first.outcome);
    await db.ledger.placeHold(first.generationId, 3600);
    await begin(first.generationId);
    const swapped = { providers: ['gpu-1', 'openai'] };
    expect(await outcomeOf(order([1, 1], swapped))).toBe('admitted');
  });

  it('answers a replay though it is full', async () => {
    const request = admissionRequest(tenant, { idempotencyKey: 'k', providers: PROVIDERS, videosAtOnce: [1, null] });
    const first = await db.ledger.admitGeneration(request);
    if (first.outcome !== 'admitted') throw new Error(first.outcome);
    await db.ledger.placeHold(first.generationId, 3600);
    const again = await db.ledger.admitGeneration({ ...request, generationId: videoId(randomUUID()) });
    expect(again).toMatchObject({ outcome: 'replay', generationId: first.generationId });
  });
});
