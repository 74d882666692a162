import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Video } from '../../api/videos/videoObject.ts';
import { contentKey } from '../../contracts/content.ts';
import { expectRefused } from '../harness/support/answers.ts';
import {
  ask,
  eventsOf,
  expectNoDrift,
  movementsOf,
  providerVideos,
  standings,
  untilSettled,
} from '../harness/support/generations.ts';
import {
  actsOn,
  bendHold,
  loseVideo,
  reconcile,
  settledAs,
  untilProviderEnds,
} from '../harness/support/reconciling.ts';
import type { TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** Videos that complete after their refund (MR-51, MR-53): followed, claimed, deleted. */

const GRANTED = 10_000_000;
let stack: TestStack;
beforeAll(async () => {
  stack = await startStack({ videoSeconds: 0.5 });
});
afterAll(async () => {
  await expectNoDrift(stack);
  await stack.stop();
});

describe('a late completion', () => {
  /** Released at the hold's end while the video goes on. It completes afterwards, and a run of the reconciler sees it. */
  const late = async (seconds = 1, more = '') => {
    const account = await openAccount(stack, GRANTED);
    const { id } = await loseVideo(stack, `late [[after:${seconds}s]]${more} ${randomUUID()}`, account);
    await bendHold(stack, id, -1);
    await stack.database.ledger.settleGeneration(id, 'expired');
    expect(await stack.database.ledger.getBalance(account.id)).toMatchObject({ activeGenerations: 1 });
    return { account, id };
  };
  const endDay = (id: string) =>
    stack.database.admin.query(
      `SET session_replication_role = replica;
       UPDATE generations SET settled_at = now() - interval '25 hours' WHERE id = '${id}';
       SET session_replication_role = origin`,
    );
  const untilSeen = async (id: string) => {
    const [standing] = await standings(stack, [id]);
    await untilProviderEnds(stack, { providerVideoId: standing?.video ?? '' });
    await reconcile(stack);
    expect(await eventsOf(stack, id, 'late_completion')).toHaveLength(1);
  };
  const claim = async ({ fetch }: Awaited<ReturnType<typeof openAccount>>, id: string) => {
    const answer = await fetch(`/v1/videos/${id}/claim`, { method: 'POST' });
    return { status: answer.status, body: (await answer.json()) as { id: string; error: { code: string } } };
  };

  it('is recorded, frees the slot of its account, and moves nothing', async () => {
    const { account, id } = await late();
    await untilSeen(id);
    expect(await eventsOf(stack, id, 'late_completion')).toHaveLength(1);
    expect(await account.credits()).toMatchObject({ available_microcredits: GRANTED, held_microcredits: 0 });
    expect(await stack.database.ledger.getBalance(account.id)).toMatchObject({ activeGenerations: 0 });
    expect(
      ((await (await account.fetch(`/v1/videos/${id}`)).json()) as { credits: { message: string } }).credits.message,
    ).toMatch(
      /Credits have been refunded to your account\. Its completion was seen later: claim it for 0\.571429 credits until /,
    );
  });

  // MR-53
  it('can be claimed once: paid at the old price, and served from our storage', async () => {
    const { account, id } = await late();
    await untilSeen(id);
    const [first, second] = await Promise.all([claim(account, id), claim(account, id)]);
    expect([first.status, second.status, second.body.id]).toEqual([200, 200, first.body.id]);
    expect(first.body.id).not.toBe(id);
    expect(await settledAs(stack, first.body.id)).toBe('charged');
    expect(await movementsOf(stack, first.body.id)).toEqual(['hold', 'capture']);
    expect(await movementsOf(stack, id)).toEqual(['hold', 'release']);
    expect(await account.credits()).toMatchObject({ available_microcredits: GRANTED - 571_429, held_microcredits: 0 });
    const content = await account.fetch(`/v1/videos/${first.body.id}/content`);
    expect([content.status, content.headers.get('content-type')]).toEqual([200, 'video/mp4']);
    expect((await claim(account, id)).body.id).toBe(first.body.id);
    // What is claimed is never deleted.
    await stack.database.admin.query("UPDATE generations SET claimable_until = now() - interval '1 s' WHERE id = $1", [
      id,
    ]);
    await reconcile(stack);
    expect(await eventsOf(stack, id, 'provider_video_deleted')).toEqual([]);
  });

  it('and its claim name each other, as fields, in sentences and in both timelines', async () => {
    const { account, id } = await late();
    await untilSeen(id);
    const get = async (path: string) => (await (await account.fetch(`/v1/videos/${path}`)).json()) as Video;
    const before = await get(id);
    expect(before.credits).toMatchObject({ claimable: true, claimed_from: null, claimed_as: null });
    const { body } = await claim(account, id);
    expect(await settledAs(stack, body.id)).toBe('charged');
    const [original, claimed] = [await get(id), await get(body.id)];
    expect(original.credits).toMatchObject({ claimable: false, claimed_from: null, claimed_as: body.id });
    expect(original.credits.message).toContain(`Its completion was seen later, and it was claimed as ${body.id}.`);
    expect(claimed.credits).toMatchObject({ claimable: false, claimed_from: id, claimed_as: null });
    const told = async (of: string) => {
      const timeline = (await (await account.fetch(`/v1/videos/${of}/timeline`)).json()) as {
        data: { message: string }[];
      };
      return timeline.data.map(({ message }) => message);
    };
    expect(await told(id)).toContain(`Claimed as ${body.id}, which is charged once it has the content`);
    expect((await told(body.id))[0]).toBe(
      `Requested as a claim of ${id}, whose completion was seen after its credits were refunded, at a price of 0.571429 credits`,
    );
  });

  it('says in place of its content until when and how it can be claimed, and then where it is', async () => {
    const { account, id } = await late();
    const refusal = async () => expectRefused(await account.fetch(`/v1/videos/${id}/content`), 402, 'not_charged');
    expect(await refusal()).not.toContain('claim');
    await untilSeen(id);
    const { credits } = (await (await account.fetch(`/v1/videos/${id}`)).json()) as Video;
    const until = new Date(Number(credits.claimable_until) * 1000).toISOString().slice(0, 19);
    expect(await refusal()).toContain('claim it for 0.571429 credits until ');
    expect(await refusal()).toContain(until);
    expect(await refusal()).toContain(`by POST /v1/videos/${id}/claim.`);
    const { body } = await claim(account, id);
    expect(await refusal()).toContain(`claimed as ${body.id}.`);
  });

  // MR-53, MR-96
  it('whose owner deletes it before or after it is seen can’t be claimed, and its timeline and the refusal say so', async () => {
    const before = await late();
    const remove = async ({ account, id }: typeof before) => {
      expect((await account.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(200);
    };
    await remove(before);
    await untilSeen(before.id);
    const after = await late();
    await untilSeen(after.id);
    await remove(after);
    const told = async ({ account, id }: typeof before) => {
      const { data } = (await (await account.fetch(`/v1/videos/${id}/timeline`)).json()) as {
        data: { type: string; message: string }[];
      };
      return Object.fromEntries(data.map(({ type, message }) => [type, message]));
    };
    expect(await told(after)).toMatchObject({
      late_completion: expect.stringMatching(
        /^The provider’s completion was seen after the refund; the video can be /,
      ) as string,
      deleted: 'Deleted by its owner, so it can’t be claimed any more; its charge or refund stands',
    });
    expect(await told(before)).toMatchObject({
      late_completion:
        'The provider’s completion was seen after the refund; the video can’t be claimed, because its owner deleted it',
      deleted: 'Deleted by its owner; its charge or refund stands',
    });
    const { account, id } = after;
    const words = `It was deleted, and its charge or refund stands: GET /v1/videos/${id}/timeline has its steps.`;
    for (const answer of [
      await account.fetch(`/v1/videos/${id}/claim`, { method: 'POST' }),
      await account.fetch(`/v1/videos/${id}`),
    ]) {
      expect(await expectRefused(answer, 404, 'not_found')).toContain(words);
    }
    const stranger = await openAccount(stack, 0);
    expect(await expectRefused(await stranger.fetch(`/v1/videos/${id}`), 404, 'not_found')).not.toContain('deleted');
  });

  it('is deleted at the provider too when the owner of its claim deletes it', async () => {
    const { account, id } = await late();
    await untilSeen(id);
    const [standing] = await standings(stack, [id]);
    const video = standing?.video ?? null;
    const { body } = await claim(account, id);
    expect(await settledAs(stack, body.id)).toBe('charged');
    expect((await providerVideos(stack)).map((listed) => listed.id)).toContain(video);
    expect((await account.fetch(`/v1/videos/${body.id}`, { method: 'DELETE' })).status).toBe(200);
    expect((await providerVideos(stack)).map((listed) => listed.id)).not.toContain(video);
    expect(await eventsOf(stack, body.id, 'deleted')).toEqual([{}]);
  });

  // MR-53
  it('that nobody claims in time is deleted at the provider, and can’t be claimed afterwards', async () => {
    const { account, id } = await late();
    await untilSeen(id);
    await stack.database.admin.query("UPDATE generations SET claimable_until = now() - interval '1 s' WHERE id = $1", [
      id,
    ]);
    const [standing] = await standings(stack, [id]);
    const video = standing?.video ?? null;
    expect((await reconcile(stack)).videos_deleted).toBeGreaterThanOrEqual(1);
    expect((await providerVideos(stack)).map((listed) => listed.id)).not.toContain(video);
    expect(await claim(account, id)).toMatchObject({ status: 409, body: { error: { code: 'not_claimable' } } });
    expect(await eventsOf(stack, id, 'provider_video_deleted')).toEqual([{ lost_microcredits: 400_000 }]);
    expect(stack.alarms).toContain('provider_cost_lost_microcredits');
  });

  it('that a provider without deletion keeps causes one deletion request, and is on record as kept', async () => {
    const { account, id } = await late(1, '[[delete:405]]');
    await untilSeen(id);
    await stack.database.admin.query("UPDATE generations SET claimable_until = now() - interval '1 s' WHERE id = $1", [
      id,
    ]);
    expect((await reconcile(stack)).videos_deleted).toBeGreaterThanOrEqual(1);
    await reconcile(stack);
    expect(await eventsOf(stack, id, 'provider_video_kept')).toEqual([
      { lost_microcredits: 400_000, why: expect.stringContaining('HTTP 405') as unknown },
    ]);
    expect(await claim(account, id)).toMatchObject({ status: 409, body: { error: { code: 'not_claimable' } } });
  });

  /** A claim with its hold, whose workflow is lost, and whose hour is over. */
  const lostClaim = async () => {
    const { account, id } = await late();
    await untilSeen(id);
    const { rows } = await stack.database.pool.query<{ id: string }>('SELECT id FROM api_keys WHERE account_id = $1', [
      account.id,
    ]);
    const generationId = `video_${randomUUID().replaceAll('-', '')}`;
    await stack.database.ledger.claimGeneration({
      generationId,
      claimOf: id,
      accountId: account.id,
      apiKeyId: rows[0]?.id ?? '',
      admitWithinMs: 10_000,
      fingerprint: createHash('sha256').update(generationId).digest(),
      idempotencyKey: null,
    });
    await stack.database.ledger.placeHold(generationId, 3600);
    await bendHold(stack, generationId, -1);
    return { account, id: generationId };
  };

  it.each([
    ['is in our storage by then', true],
    ['can be copied there at last', false],
  ])('whose claim lost its workflow past the hold’s end is charged if its content %s', async (_what, archived) => {
    const { id } = await lostClaim();
    const content = { bytes: 1, sha256: Buffer.alloc(32), contentType: 'video/mp4', location: `${id}/video` };
    if (archived) await stack.database.ledger.recordContent(id, 'video', { state: 'archived', ...content });
    const before = stack.alarms.length;
    expect(actsOn(await reconcile(stack), id)).toEqual([['resume', 'resumed']]);
    await untilSettled(stack, [id]);
    expect(stack.alarms.slice(before)).not.toContain('settlement_refused');
    expect(await movementsOf(stack, id)).toEqual(['hold', 'capture']);
  });

  it('whose claim is still held is not deleted, because the claim may be charged for it', async () => {
    const { account, id } = await lostClaim();
    async function* body() {
      yield Buffer.from('a video');
    }
    await stack.archive.write(contentKey(id, 'video'), body(), { from: 0, bytes: 7 });
    expect((await account.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(409);
    expect(await stack.archive.kept(contentKey(id, 'video'))).toBe(7);
  });

  it('belongs to its account alone, and nothing else is claimable', async () => {
    const { account, id } = await late();
    const stranger = await openAccount(stack, GRANTED);
    expect(await claim(account, id)).toMatchObject({ status: 409, body: { error: { code: 'not_claimable' } } });
    await untilSeen(id);
    expect(await claim(stranger, id)).toMatchObject({ status: 404 });
    const charged = await ask(account, 'an ordinary one');
    await untilSettled(stack, [charged]);
    expect(await claim(account, charged)).toMatchObject({ status: 409 });
  });

  // MR-51
  it('is followed for a day, and no longer', async () => {
    const { account, id } = await late(3600);
    await reconcile(stack);
    expect(await stack.database.ledger.stopFollowing(id)).toBe(false);
    expect(await stack.database.ledger.getBalance(account.id)).toMatchObject({ activeGenerations: 1 });
    await endDay(id);
    expect((await reconcile(stack)).follow_ended).toBe(1);
    expect(await stack.database.ledger.getBalance(account.id)).toMatchObject({ activeGenerations: 0 });
  });

  it('whose day is over is looked at once more before following ends', async () => {
    const account = await openAccount(stack, GRANTED);
    const lost = await loseVideo(stack, `late, and nobody looked ${randomUUID()}`, account);
    await bendHold(stack, lost.id, -1);
    await stack.database.ledger.settleGeneration(lost.id, 'expired');
    await untilProviderEnds(stack, lost);
    await endDay(lost.id);
    await reconcile(stack);
    expect(await eventsOf(stack, lost.id, 'late_completion')).toHaveLength(1);
  });

  it('is looked at in another order in each run, so a thousand others are not always before it', async () => {
    const listed = async (seed: string) =>
      (await stack.database.ledger.listFollowed(seed, 0, 1000)).map(({ generationId }) => generationId);
    for (let n = 0; n < 6; n += 1) await late(3600);
    const orders = await Promise.all(['a', 'b', 'c', 'd'].map(listed));
    expect(new Set(orders.map((order) => order.toSorted().join())).size).toBe(1);
    expect(new Set(orders.map((order) => order.join())).size).toBeGreaterThan(1);
  });
});
