import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { contentKey } from '../../contracts/content.ts';
import type { ReconcileReport } from '../../contracts/reconcile.ts';
import { GENERATE_VIDEO, TASK_QUEUE } from '../../contracts/temporal.ts';
import {
  ask,
  eventsOf,
  expectNoDrift,
  expectQuickVideos,
  movementsOf,
  providerVideos,
  standings,
  untilRow,
  untilSettled,
} from '../support/generations.ts';
import { bendHold, loseVideo, reconcile, terminate, untilProviderEnds } from '../support/reconciling.ts';
import type { TestStack } from '../support/stack.ts';
import { openAccount, startStack } from '../support/stack.ts';

/** What the reconciler finishes (RULES, "The reconciler"); each test with generations of its own on one stack. */

const GRANTED = 10_000_000;
let stack: TestStack;
beforeAll(async () => {
  stack = await startStack({ videoSeconds: 0.5 });
  await expectQuickVideos(stack);
});
afterAll(async () => {
  await expectNoDrift(stack);
  await stack.stop();
});

const actsOn = (report: ReconcileReport, id: string) =>
  report.acts.filter(({ generation_id }) => generation_id === id).map(({ action, outcome }) => [action, outcome]);
const settledAs = async (id: string) => {
  const [settled] = await untilSettled(stack, [id]);
  return settled?.code ?? settled?.state;
};

describe('a workflow that was terminated is settled rightly within one run', () => {
  it.each([
    [
      'before the provider took the video',
      "EXISTS (SELECT FROM create_attempts a WHERE a.generation_id = g.id AND a.outcome = 'not_made')",
      'not yet [[create:429*2]]',
      'charged',
    ],
    [
      'while the create is under way',
      'g.provider_base_url IS NOT NULL',
      'slow to answer [[create:slow:1s]]',
      'charged',
    ],
    [
      'after a create whose reply was lost',
      "EXISTS (SELECT FROM generation_events e WHERE e.generation_id = g.id AND e.kind = 'create_ambiguous')",
      'without a reply [[create:lost-reply]]',
      'charged',
    ],
    ['while the provider works', 'g.provider_video_id IS NOT NULL', 'long at work [[after:3s]]', 'charged'],
    [
      'while the provider works on what will fail',
      'g.provider_video_id IS NOT NULL',
      'bound to fail [[after:3s]][[fail:invalid_request]]',
      'invalid_request',
    ],
    ['when a cancel is on record', 'g.provider_base_url IS NOT NULL', 'not wanted [[create:429]]', 'cancelled'],
  ])('%s', async (when, condition, prompt, outcome) => {
    const account = await openAccount(stack, GRANTED);
    const id = await ask(account, `${prompt} ${randomUUID()}`);
    await untilRow(stack, id, condition);
    await terminate(stack, id);
    if (when.includes('cancel')) await stack.database.ledger.requestCancel(id, 'client');
    expect(actsOn(await reconcile(stack), id)).toEqual([['resume', 'resumed']]);
    expect(await settledAs(id)).toBe(outcome);
    expect(await movementsOf(stack, id)).toEqual(['hold', outcome === 'charged' ? 'capture' : 'release']);
    expect((await providerVideos(stack)).filter((video) => video.prompt.includes(prompt)).length).toBeLessThan(2);
  });
});

describe('past the hour', () => {
  it.each([
    ['completed', 'done by then', 'captured', 'charged'],
    ['failed', 'failed by then [[fail:invalid_request]]', 'released: provider_failed', 'invalid_request'],
    ['still at work', 'never done [[never]]', 'released: expired', 'generation_timeout'],
  ])('a lost workflow’s video that has %s is settled by one last look', async (_what, prompt, outcome, code) => {
    const lost = await loseVideo(stack, prompt);
    const { id, accountId } = lost;
    if (!prompt.includes('never]]')) await untilProviderEnds(stack, lost);
    await bendHold(stack, id, -1);
    expect(actsOn(await reconcile(stack), id)).toEqual([['settle', outcome]]);
    expect(await settledAs(id)).toBe(code);
    expect(await stack.database.ledger.getBalance(accountId)).toMatchObject({ heldMicrocredits: 0 });
  });

  it('a fault of our own is no last word: nothing is settled until the look could be made, or two hours have passed', async () => {
    const service = (verb: string) => stack.database.admin.query(`${verb} holdfast_service`);
    const lost = await loseVideo(stack, 'done, but nobody can write it down');
    await untilProviderEnds(stack, lost);
    await bendHold(stack, lost.id, -1);
    await service('REVOKE EXECUTE ON FUNCTION record_look FROM');
    try {
      expect(actsOn(await reconcile(stack), lost.id)).toEqual([['settle', 'not now']]);
    } finally {
      await service('GRANT EXECUTE ON FUNCTION record_look TO');
    }
    expect(actsOn(await reconcile(stack), lost.id)).toEqual([['settle', 'captured']]);
    const other = await loseVideo(stack, 'never to be seen [[never]]');
    await bendHold(stack, other.id, -2 * 3600 - 1);
    await service('REVOKE EXECUTE ON FUNCTION record_look FROM');
    try {
      expect(actsOn(await reconcile(stack), other.id)).toEqual([['settle', 'released: expired']]);
    } finally {
      await service('GRANT EXECUTE ON FUNCTION record_look TO');
    }
  });

  it('a workflow that runs is left alone for ten minutes, then it is stuck', async () => {
    const lost = await loseVideo(stack, 'done, and nobody knows');
    const { id, accountId } = lost;
    await untilProviderEnds(stack, lost);
    // It runs, as far as Temporal knows, but no worker ever will.
    const stuck = await stack.env.client.workflow.start(GENERATE_VIDEO, {
      workflowId: id,
      taskQueue: `${TASK_QUEUE.workflowsAndLedger}-nobody`,
      args: [{ generationId: id, accountId }],
    });
    await bendHold(stack, id, -9 * 60);
    expect(actsOn(await reconcile(stack), id)).toEqual([]);
    await bendHold(stack, id, -10 * 60 - 1);
    expect(actsOn(await reconcile(stack), id)).toEqual([['settle', 'captured']]);
    await stuck.terminate();
  });

  it('what it settled stands against the workflow’s own later answer, which is a recorded conflict', async () => {
    const { id } = await loseVideo(stack, 'settled by another [[never]]');
    await bendHold(stack, id, -1);
    await reconcile(stack);
    expect(await stack.database.ledger.settleGeneration(id, 'provider_unavailable')).toMatchObject({
      result: 'conflict',
    });
    expect(await eventsOf(stack, id, 'settlement_conflict')).toHaveLength(1);
  });
});

describe('a run', () => {
  it('with dry_run changes nothing, and says what it would do and why', async () => {
    const { id } = await loseVideo(stack, 'left alone');
    const before = await standings(stack, [id]);
    const report = await reconcile(stack, true);
    expect(report.acts.find(({ generation_id }) => generation_id === id)).toEqual({
      generation_id: id,
      action: 'resume',
      why: 'no workflow of it runs',
      outcome: 'would',
    });
    expect(await standings(stack, [id])).toEqual(before);
    await reconcile(stack);
    expect(await settledAs(id)).toBe('charged');
  });

  it('beside another one settles each hold once', async () => {
    const lost = await Promise.all(Array.from({ length: 5 }, (_, n) => loseVideo(stack, `two at once ${n} [[never]]`)));
    for (const { id } of lost) await bendHold(stack, id, -1);
    await Promise.all([reconcile(stack), reconcile(stack), reconcile(stack)]);
    for (const { id } of lost) {
      expect(await settledAs(id)).toBe('generation_timeout');
      expect(await movementsOf(stack, id)).toEqual(['hold', 'release']);
    }
  });

  it('voids requests whose process died before the hold', async () => {
    const account = await openAccount(stack, GRANTED);
    const { rows } = await stack.database.admin.query<{ id: string }>(
      `INSERT INTO generations (id, account_id, api_key_id, admit_by, fingerprint, model, seconds, size, price_id, amount_microcredits)
       SELECT 'video_' || md5(random()::text), k.account_id, k.id, now() - interval '1 s', sha256('x'), 'sora-2', 4, '720x1280', 1, 571429
       FROM api_keys k WHERE k.account_id = $1 RETURNING id`,
      [account.id],
    );
    const id = rows[0]?.id ?? '';
    expect((await reconcile(stack)).requests_voided).toBeGreaterThanOrEqual(1);
    await untilRow(stack, id, "g.state = 'voided'");
  });

  it('compares balances with the journal, all accounts in turn', async () => {
    const first = await reconcile(stack);
    expect(first.accounts_compared).toBeGreaterThan(0);
    expect(first.differences).toBe(0);
  });
});

describe('a late completion', () => {
  /** Released by the hour while the provider goes on; it completes afterwards, and a run of the reconciler sees it. */
  const late = async (seconds = 1) => {
    const account = await openAccount(stack, GRANTED);
    const { id } = await loseVideo(stack, `late [[after:${seconds}s]] ${randomUUID()}`, account);
    await bendHold(stack, id, -1);
    await stack.database.ledger.settleGeneration(id, 'expired');
    expect(await stack.database.ledger.getBalance(account.id)).toMatchObject({ activeGenerations: 1 });
    return { account, id };
  };
  const endDay = (id: string) =>
    stack.database.admin.query(
      `SET session_replication_role = replica;
       UPDATE generations SET charged_at = now() - interval '25 hours' WHERE id = '${id}';
       SET session_replication_role = origin`,
    );
  const untilSeen = async (id: string) => {
    for (;;) {
      await reconcile(stack);
      const [standing] = (
        await stack.database.pool.query<{ late: boolean }>(
          'SELECT claimable_until IS NOT NULL AS late FROM generations WHERE id = $1',
          [id],
        )
      ).rows;
      if (standing?.late === true) return;
    }
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
      /^Credits have been refunded to your account\. The video was completed later: claim it for 0\.571429 credits until /,
    );
    expect((await account.fetch(`/v1/videos/${id}/content`)).status).toBe(402);
  });

  it('can be claimed once: paid at the old price, and served from our storage', async () => {
    const { account, id } = await late();
    await untilSeen(id);
    const [first, second] = await Promise.all([claim(account, id), claim(account, id)]);
    expect([first.status, second.status, second.body.id]).toEqual([200, 200, first.body.id]);
    expect(first.body.id).not.toBe(id);
    expect(await settledAs(first.body.id)).toBe('charged');
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

  it('that nobody claims in time is deleted at the provider, and then it can not be claimed', async () => {
    const { account, id } = await late();
    await untilSeen(id);
    await stack.database.admin.query("UPDATE generations SET claimable_until = now() - interval '1 s' WHERE id = $1", [
      id,
    ]);
    const [{ video = null } = {}] = await standings(stack, [id]);
    expect((await reconcile(stack)).videos_deleted).toBeGreaterThanOrEqual(1);
    expect((await providerVideos(stack)).map((listed) => listed.id)).not.toContain(video);
    expect(await claim(account, id)).toMatchObject({ status: 409, body: { error: { code: 'not_claimable' } } });
    expect(await eventsOf(stack, id, 'provider_video_deleted')).toEqual([{ lost_microcredits: 400_000 }]);
    expect(stack.alarms).toContain('provider_cost_lost_microcredits');
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
    });
    await stack.database.ledger.placeHold(generationId, 3600);
    await bendHold(stack, generationId, -1);
    return { account, id: generationId };
  };

  it.each([
    ['charged, if its content is in our storage by then', true, 'captured'],
    ['released, if it is not, and that is no emergency', false, 'released: expired'],
  ])('whose claim is lost past its hour is %s', async (_what, archived, outcome) => {
    const { id } = await lostClaim();
    const content = { bytes: 1, sha256: Buffer.alloc(32), contentType: 'video/mp4', location: `${id}/video` };
    if (archived) await stack.database.ledger.recordContent(id, 'video', { state: 'archived', ...content });
    const before = stack.alarms.length;
    expect(actsOn(await reconcile(stack), id)).toEqual([['settle', outcome]]);
    expect(stack.alarms.slice(before)).not.toContain('settlement_refused');
    expect(await movementsOf(stack, id)).toEqual(['hold', archived ? 'capture' : 'release']);
  });

  it('whose claim is still held is not deleted: what it may be charged for stays', async () => {
    const { account, id } = await lostClaim();
    async function* body() {
      yield Buffer.from('a video');
    }
    await stack.archive.write(contentKey(id, 'video'), body(), { from: 0, bytes: 7 });
    expect((await account.fetch(`/v1/videos/${id}`, { method: 'DELETE' })).status).toBe(409);
    expect(await stack.archive.kept(contentKey(id, 'video'))).toBe(7);
  });

  it('is no one else’s, and nothing else is claimable', async () => {
    const { account, id } = await late();
    const stranger = await openAccount(stack, GRANTED);
    expect(await claim(account, id)).toMatchObject({ status: 409, body: { error: { code: 'not_claimable' } } });
    await untilSeen(id);
    expect(await claim(stranger, id)).toMatchObject({ status: 404 });
    const charged = await ask(account, 'an ordinary one');
    await untilSettled(stack, [charged]);
    expect(await claim(account, charged)).toMatchObject({ status: 409 });
  });

  it('is followed for a day, and no longer', async () => {
    const { account, id } = await late(3600);
    await reconcile(stack);
    expect(await stack.database.ledger.stopFollowing(id)).toBe(false);
    expect(await stack.database.ledger.getBalance(account.id)).toMatchObject({ activeGenerations: 1 });
    await endDay(id);
    expect((await reconcile(stack)).follow_ended).toBe(1);
    expect(await stack.database.ledger.getBalance(account.id)).toMatchObject({ activeGenerations: 0 });
  });

  it('whose day is over is looked at before it is followed no longer', async () => {
    const account = await openAccount(stack, GRANTED);
    const lost = await loseVideo(stack, `late, and nobody looked ${randomUUID()}`, account);
    await bendHold(stack, lost.id, -1);
    await stack.database.ledger.settleGeneration(lost.id, 'expired');
    await untilProviderEnds(stack, lost);
    await endDay(lost.id);
    await reconcile(stack);
    expect(await eventsOf(stack, lost.id, 'late_completion')).toHaveLength(1);
  });

  it('is looked at in another order in each run: a thousand others are not always before it', async () => {
    const listed = async (seed: string) =>
      (await stack.database.ledger.listFollowed(seed, 0, 1000)).map(({ generationId }) => generationId);
    for (let n = 0; n < 6; n += 1) await late(3600);
    const orders = await Promise.all(['a', 'b', 'c', 'd'].map(listed));
    expect(new Set(orders.map((order) => order.toSorted().join())).size).toBe(1);
    expect(new Set(orders.map((order) => order.join())).size).toBeGreaterThan(1);
  });
});

describe('release_expired_holds, when Temporal is gone for good', () => {
  const release = async (grace: string) =>
    (
      await stack.database.admin.query<{ generation_id: string; result: string; settlement_reason: string }>(
        'SELECT * FROM release_expired_holds($1)',
        [grace],
      )
    ).rows;
  const mine = (rows: Awaited<ReturnType<typeof release>>, id: string) =>
    rows.filter((row) => row.generation_id === id);

  beforeEach(async () => {
    await reconcile(stack);
  });

  it('keeps a grace of two hours, whatever is asked for', async () => {
    const { id } = await loseVideo(stack, 'within the grace [[never]]');
    await bendHold(stack, id, -119 * 60);
    expect(mine(await release('0'), id)).toEqual([]);
    await bendHold(stack, id, -121 * 60);
    expect(mine(await release('3 hours'), id)).toEqual([]);
    expect(mine(await release('0'), id)).toEqual([
      { generation_id: id, result: 'settled', settlement_reason: 'expired' },
    ]);
    expect(await eventsOf(stack, id, 'released_by_hand')).toEqual([{ by: 'postgres' }]);
  });

  it('charges what the provider had completed by the last look on record', async () => {
    const { id, providerVideoId } = await loseVideo(stack, 'completed, and on record');
    await untilRow(stack, id, 'true');
    await stack.database.ledger.recordLook(id, providerVideoId, {
      verdict: 'completed',
      status: 'completed',
      progress: 100,
      completedAt: null,
      errorCode: null,
      errorMessage: null,
    });
    await bendHold(stack, id, -121 * 60);
    expect(mine(await release('2 hours'), id)).toEqual([
      { generation_id: id, result: 'settled', settlement_reason: 'completed' },
    ]);
    expect(await movementsOf(stack, id)).toEqual(['hold', 'capture']);
  });
});
