import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { GENERATE_VIDEO, TASK_QUEUE } from '../../contracts/temporal.ts';
import {
  ask,
  eventsOf,
  expectNoDrift,
  movementsOf,
  providerVideos,
  standings,
  untilRow,
} from '../harness/support/generations.ts';
import {
  actsOn,
  bendHold,
  loseVideo,
  reconcile,
  settledAs,
  terminate,
  untilProviderEnds,
} from '../harness/support/reconciling.ts';
import type { TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

/** What the reconciler finishes (MR-56); each test with generations of its own on one stack. */

const GRANTED = 10_000_000;
let stack: TestStack;
beforeAll(async () => {
  stack = await startStack({ videoSeconds: 0.5 });
});
afterAll(async () => {
  await expectNoDrift(stack);
  await stack.stop();
});

// MR-27
describe('the hold of a terminated workflow is settled correctly within one run', () => {
  it.each([
    [
      'before the provider took the video',
      "EXISTS (SELECT FROM provider_attempts a WHERE a.generation_id = g.id AND a.outcome = 'not_made')",
      'not yet [[create:429*2]]',
      'charged',
    ],
    ['while the create is under way', 'g.provider IS NOT NULL', 'slow to answer [[create:slow:1s]]', 'charged'],
    [
      'after a create whose reply was lost',
      "EXISTS (SELECT FROM generation_events e WHERE e.generation_id = g.id AND e.kind = 'attempt_ambiguous')",
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
    ['when a cancel is on record', 'g.provider IS NOT NULL', 'not wanted [[create:429]]', 'cancelled'],
  ])('%s', async (when, condition, prompt, outcome) => {
    const account = await openAccount(stack, GRANTED);
    const id = await ask(account, `${prompt} ${randomUUID()}`);
    await untilRow(stack, id, condition);
    await terminate(stack, id);
    if (when.includes('cancel')) await stack.database.ledger.requestCancel(id, 'client');
    expect(actsOn(await reconcile(stack), id)).toEqual([['resume', 'resumed']]);
    expect(await settledAs(stack, id)).toBe(outcome);
    expect(await movementsOf(stack, id)).toEqual(['hold', outcome === 'charged' ? 'capture' : 'release']);
    expect((await providerVideos(stack)).filter((video) => video.prompt.includes(prompt)).length).toBeLessThan(2);
  });
});

describe('past the hold’s end', () => {
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
    expect(await settledAs(stack, id)).toBe(code);
    expect(await stack.database.ledger.getBalance(accountId)).toMatchObject({ heldMicrocredits: 0 });
  });

  // MR-5
  it('a fault of our own settles nothing, however long it lasts, until the last look has been made', async () => {
    const service = (verb: string) => stack.database.admin.query(`${verb} holdfast_service`);
    const lost = await loseVideo(stack, 'done, but nobody can write it down');
    await untilProviderEnds(stack, lost);
    await service('REVOKE EXECUTE ON FUNCTION record_look FROM');
    try {
      for (const overdueSeconds of [1, 30 * 24 * 3600]) {
        await bendHold(stack, lost.id, -overdueSeconds);
        const alarms = stack.alarms.length;
        const report = await reconcile(stack);
        expect(actsOn(report, lost.id)).toEqual([['settle', 'not now']]);
        expect(report.holds_overdue).toBe(1);
        expect(stack.alarms.slice(alarms)).toContain('hold_overdue');
        expect(stack.logged.at(-1)).toContain('ALERT');
      }
    } finally {
      await service('GRANT EXECUTE ON FUNCTION record_look TO');
    }
    expect(actsOn(await reconcile(stack), lost.id)).toEqual([['settle', 'captured']]);
  });

  it('a running workflow is left alone for ten minutes, then counts as stuck', async () => {
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

  it('the reconciler’s settlement stands; the workflow’s own later one is a recorded conflict', async () => {
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
  it('with dry_run changes nothing and reports what it would do and why', async () => {
    const { id } = await loseVideo(stack, 'left alone');
    const before = await standings(stack, [id]);
    const report = await reconcile(stack, true);
    expect(report.acts.find(({ generation_id }) => generation_id === id)).toEqual({
      generation_id: id,
      action: 'resume',
      why: 'its workflow does not run',
      outcome: 'would',
    });
    expect(await standings(stack, [id])).toEqual(before);
    await reconcile(stack);
    expect(await settledAs(stack, id)).toBe('charged');
  });

  it('with dry_run has null for what only a real run counts, because 0 would say that there is none', async () => {
    const onlyReal = [
      'holds_overdue',
      'requests_voided',
      'webhooks_resumed',
      'followed',
      'follow_ended',
      'videos_deleted',
    ];
    const counted = {
      dry_run: true,
      holds_checked: expect.any(Number) as number,
      accounts_compared: expect.any(Number) as number,
    };
    expect(await reconcile(stack, true)).toMatchObject({
      ...counted,
      ...Object.fromEntries(onlyReal.map((field) => [field, null])),
    });
    expect(await reconcile(stack)).toMatchObject({
      dry_run: false,
      ...Object.fromEntries(onlyReal.map((field) => [field, expect.any(Number)])),
    });
  });

  // MR-55
  it('asks Temporal about a hold by describe, and lists no workflows: a list may lag behind', async () => {
    const { workflowService } = stack.temporal;
    const describing = vi.spyOn(workflowService, 'describeWorkflowExecution');
    const listing = vi.spyOn(workflowService, 'listWorkflowExecutions');
    const { id } = await loseVideo(stack, 'asked about [[never]]');
    await reconcile(stack, true);
    const execution: unknown = expect.objectContaining({ workflowId: id });
    expect(describing).toHaveBeenCalledWith(expect.objectContaining({ execution }));
    expect(listing).not.toHaveBeenCalled();
  });

  it('at the same time as another one settles each hold once', async () => {
    const lost = await Promise.all(Array.from({ length: 5 }, (_, n) => loseVideo(stack, `two at once ${n} [[never]]`)));
    for (const { id } of lost) await bendHold(stack, id, -1);
    await Promise.all([reconcile(stack), reconcile(stack), reconcile(stack)]);
    for (const { id } of lost) {
      expect(await settledAs(stack, id)).toBe('generation_timeout');
      expect(await movementsOf(stack, id)).toEqual(['hold', 'release']);
    }
  });

  it('voids requests whose process died before the hold', async () => {
    const account = await openAccount(stack, GRANTED);
    const { rows } = await stack.database.admin.query<{ id: string }>(
      `INSERT INTO generations (id, account_id, api_key_id, admit_by, fingerprint, model, seconds, size, price_id, offer_id, amount_microcredits)
       SELECT 'video_' || md5(random()::text), k.account_id, k.id, now() - interval '1 s', sha256('x'), 'sora-2', 4, '720x1280', 1, 1, 571429
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

  // MR-54
  it('keeps a grace of two hours, whatever the caller passes', async () => {
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

  it('charges a video that was completed by the last recorded look', async () => {
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
