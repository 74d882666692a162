import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { GenerationResult } from '../../contracts/temporal.ts';
import { GENERATE_VIDEO, TASK_QUEUE } from '../../contracts/temporal.ts';
import { admit, PRICE } from '../harness/support/database.ts';
import type { EventId } from '../harness/support/generations.ts';
import {
  ask,
  booksOf,
  completedTasks,
  createsOf,
  eventsOf,
  expectNoDrift,
  movementsOf,
  standings,
  untilRow,
  untilSettled,
} from '../harness/support/generations.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';
import { startGeneration } from '../harness/support/temporal.ts';

// For a machine that is busy with other things; alone it takes a third of it.
vi.setConfig({ testTimeout: 90_000 });

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(async () => {
  await stack.stop();
});
afterEach(async () => {
  await expectNoDrift(stack);
});

const GRANTED = 10_000_000;

/** Resets this run to one of its tasks, as `temporal workflow reset --event-id` does; answers with the new run's id. */
async function reset(id: string, runId: string, workflowTaskFinishEventId: EventId): Promise<string> {
  const { runId: made } = await stack.env.client.workflowService.resetWorkflowExecution({
    namespace: stack.env.namespace ?? 'default',
    workflowExecution: { workflowId: id, runId },
    workflowTaskFinishEventId,
    requestId: randomUUID(),
    reason: 'a test',
  });
  return made;
}

function handleOf(id: string, runId?: string): WorkflowHandle {
  return stack.env.client.workflow.getHandle(id, runId);
}

async function resultOf(id: string, runId?: string): Promise<GenerationResult> {
  return (await handleOf(id, runId).result()) as GenerationResult;
}

/** Waits for the newest run to have completed this many tasks; answers with them, or undefined when it ended before. */
async function untilTasks(id: string, count: number): Promise<{ runId: string; tasks: EventId[] } | undefined> {
  return vi.waitFor(
    async () => {
      const { runId, status } = await handleOf(id).describe();
      const tasks = await completedTasks(handleOf(id, runId));
      if (status.name !== 'RUNNING') return undefined;
      if (tasks.length < count) throw new Error(`${tasks.length} of ${count} tasks are done`);
      return { runId, tasks };
    },
    { timeout: 20_000, interval: 50 },
  );
}

/** Charged once for one video: a hold and a capture, one create, and the balance is smaller by the price. */
async function expectChargedOnce(account: TestAccount, id: string, prompt: string) {
  const [standing] = await untilSettled(stack, [id]);
  expect(standing).toMatchObject({ state: 'charged', charged: PRICE });
  expect(await movementsOf(stack, id)).toEqual(['hold', 'capture']);
  expect(await createsOf(stack, prompt)).toBe(1);
  expect(await account.credits()).toMatchObject({ available_microcredits: GRANTED - PRICE, held_microcredits: 0 });
}

describe.concurrent('a reset of a finished generation', () => {
  it.each([
    ['charged', 'a red fox, finished', { outcome: 'captured', errorCode: null }],
    ['released', 'an ad for iqus e cigerrates', { outcome: 'released', errorCode: 'moderation_blocked' }],
    ['never made', 'a refusal [[create:400:bad_thing]]', { outcome: 'released', errorCode: 'bad_thing' }],
  ])('that was %s moves nothing at any of its events, and ends the same', async (_how, prompt, expected) => {
    const account = await openAccount(stack, GRANTED);
    const id = await ask(account, prompt);
    const { runId } = await handleOf(id).describe();
    expect(await resultOf(id, runId)).toEqual({ generationId: id, ...expected });
    const books = await booksOf(stack, account);
    const tasks = await completedTasks(handleOf(id, runId));
    // Placed and submitted, then settled.
    expect(tasks.length).toBeGreaterThanOrEqual(2);
    for (const task of tasks) {
      expect(await resultOf(id, await reset(id, runId, task))).toEqual({ generationId: id, ...expected });
      expect(await booksOf(stack, account)).toEqual(books);
    }
    expect(await createsOf(stack, prompt)).toBe(1);
    expect(await eventsOf(stack, id, 'settlement_conflict')).toEqual([]);
  });
});

describe.concurrent('a reset of a running generation', () => {
  // MR-46, MR-83
  it('at each of its events in turn charges once, for one create', async () => {
    const account = await openAccount(stack, GRANTED);
    const prompt = 'step by step [[after:6s]][[create:slow:1s]]';
    const id = await ask(account, prompt);
    let resets = 0;
    for (;;) {
      const running = await untilTasks(id, resets + 1);
      if (running === undefined) break;
      await reset(id, running.runId, running.tasks[resets] as EventId);
      resets += 1;
    }
    // Placed and submitted, watched; the next one settles.
    expect(resets).toBeGreaterThanOrEqual(2);
    expect(await resultOf(id)).toMatchObject({ outcome: 'captured' });
    await expectChargedOnce(account, id, prompt);
  });

  it('back to its beginning from ever later charges once, for one attempt', async () => {
    const account = await openAccount(stack, GRANTED);
    const prompt = 'from the start [[after:6s]][[create:slow:1s]]';
    const id = await ask(account, prompt);
    for (let reached = 1; reached <= 6; reached += 1) {
      const running = await untilTasks(id, reached);
      if (running === undefined) break;
      await reset(id, running.runId, running.tasks[0] as EventId);
    }
    expect(await resultOf(id)).toMatchObject({ outcome: 'captured' });
    await expectChargedOnce(account, id, prompt);
  });
});

describe.concurrent('a terminated workflow that is started again under its id', () => {
  const again = async (id: string): Promise<GenerationResult> => {
    await handleOf(id).terminate('a test');
    const handle = await stack.env.client.workflow.start(GENERATE_VIDEO, {
      workflowId: id,
      taskQueue: TASK_QUEUE.workflowsAndLedger,
      args: [{ generationId: id, accountId: '' }],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowIdConflictPolicy: 'FAIL',
    });
    return (await handle.result()) as GenerationResult;
  };

  it.each([
    ['while the create is under way', 'g.provider IS NOT NULL', 'slow to answer [[create:slow:1s]]'],
    ['while the provider works', 'g.provider_video_id IS NOT NULL', 'long at work [[after:3s]]'],
    [
      'after a create whose reply was lost',
      "EXISTS (SELECT FROM generation_events e WHERE e.generation_id = g.id AND e.kind = 'attempt_ambiguous')",
      'without a reply [[create:lost-reply]]',
    ],
  ])('%s finishes it: one create, one settlement', async (_when, condition, prompt) => {
    const account = await openAccount(stack, GRANTED);
    const id = await ask(account, prompt);
    await untilRow(stack, id, condition);
    expect(await again(id)).toMatchObject({ outcome: 'captured' });
    await expectChargedOnce(account, id, prompt);
  });

  it('after a settlement elsewhere ends with that settlement', async () => {
    const account = await openAccount(stack, GRANTED);
    const id = await ask(account, 'refused for good [[create:429]]');
    await untilRow(stack, id, 'g.provider IS NOT NULL');
    await handleOf(id).terminate('a test');
    await untilRow(
      stack,
      id,
      "EXISTS (SELECT FROM provider_attempts a WHERE generation_id = g.id AND outcome = 'not_made')",
    );
    await stack.database.ledger.settleGeneration(id, 'provider_unavailable');
    const handle = await startGeneration(stack.env, id);
    expect(await handle.result()).toMatchObject({ outcome: 'released', errorCode: 'provider_unavailable' });
    expect(await movementsOf(stack, id)).toEqual(['hold', 'release']);
    expect(await account.credits()).toMatchObject({ available_microcredits: GRANTED, held_microcredits: 0 });
  });
});

describe.concurrent('a second settlement of another kind', () => {
  // MR-43
  it("is the late workflow's typed conflict: the first stands, the second is recorded and counted", async () => {
    const account = await openAccount(stack, GRANTED);
    const id = await ask(account, 'late [[after:3s]]');
    await untilRow(stack, id, 'g.provider_video_id IS NOT NULL');
    await endHourOf(id);
    const released = await stack.database.ledger.settleGeneration(id, 'expired');
    expect(released).toMatchObject({ result: 'settled', settlement: { charged: false, reason: 'expired' } });
    const books = await account.credits();
    const before = stack.alarms.length;
    expect(await resultOf(id)).toEqual({ generationId: id, outcome: 'expired', errorCode: 'generation_timeout' });
    expect(await eventsOf(stack, id, 'settlement_conflict')).toEqual([{ asked: 'completed', stands: 'expired' }]);
    expect(stack.alarms.slice(before)).toEqual(['settlement_conflict']);
    expect(await movementsOf(stack, id)).toEqual(['hold', 'release']);
    expect(await account.credits()).toEqual(books);
    expect(await account.credits()).toMatchObject({ available_microcredits: GRANTED, held_microcredits: 0 });
  });

  it.each(['cancelled', 'expired', 'emergency', 'provider_failed'] as const)(
    'gives nothing back of what was charged: %s is a conflict',
    async (reason) => {
      const account = await openAccount(stack, GRANTED);
      const id = await ask(account, `charged before ${reason}`);
      await untilSettled(stack, [id]);
      expect(await stack.database.ledger.settleGeneration(id, reason)).toEqual({
        result: 'conflict',
        settlement: { charged: true, reason: 'completed', errorCode: null },
      });
      expect(await eventsOf(stack, id, 'settlement_conflict')).toEqual([{ asked: reason, stands: 'completed' }]);
      expect(await movementsOf(stack, id)).toEqual(['hold', 'capture']);
    },
  );
});

describe.concurrent("Temporal's cancel of a running workflow", () => {
  it('before anything can have been made releases the hold', async () => {
    const account = await openAccount(stack, GRANTED);
    const id = await ask(account, 'not taken [[create:429]]');
    await untilRow(
      stack,
      id,
      "EXISTS (SELECT FROM provider_attempts a WHERE generation_id = g.id AND outcome = 'not_made')",
    );
    await handleOf(id).cancel();
    expect(await resultOf(id)).toEqual({ generationId: id, outcome: 'released', errorCode: 'cancelled' });
    expect((await handleOf(id).describe()).status.name).toBe('COMPLETED');
    expect(await eventsOf(stack, id, 'cancel_requested')).toEqual([{ by: 'operator' }]);
    expect(await account.credits()).toMatchObject({ available_microcredits: GRANTED, held_microcredits: 0 });
  });

  it('after the submission changes nothing: the terminal verdict settles it', async () => {
    const account = await openAccount(stack, GRANTED);
    const prompt = 'already made [[after:2s]]';
    const id = await ask(account, prompt);
    await untilRow(stack, id, 'g.provider_video_id IS NOT NULL');
    await handleOf(id).cancel();
    await handleOf(id).cancel();
    expect(await resultOf(id)).toEqual({ generationId: id, outcome: 'captured', errorCode: null });
    expect(await eventsOf(stack, id, 'cancel_requested')).toEqual([{ by: 'operator' }]);
    await expectChargedOnce(account, id, prompt);
  });

  it('during the submission changes nothing either', async () => {
    const account = await openAccount(stack, GRANTED);
    const prompt = 'just being made [[create:slow:1s]]';
    const id = await ask(account, prompt);
    await untilRow(stack, id, 'g.provider IS NOT NULL');
    await handleOf(id).cancel();
    expect(await resultOf(id)).toMatchObject({ outcome: 'captured' });
    await expectChargedOnce(account, id, prompt);
  });
});

// Alone, for it stops the workers.
describe("Temporal's cancel of a workflow before its first step", () => {
  it('makes nothing and gives the hold back', async () => {
    const account = await openAccount(stack, GRANTED);
    const { rows } = await stack.database.pool.query<{ id: string }>('SELECT id FROM api_keys WHERE account_id = $1', [
      account.id,
    ]);
    await stack.stopWorkers();
    const prompt = 'cancelled at once';
    const id = await admit(stack.database, { accountId: account.id, apiKeyId: rows[0]?.id ?? '' }, prompt);
    const handle = await startGeneration(stack.env, id);
    await handle.cancel();
    await stack.startWorkers();
    expect(await handle.result()).toEqual({ generationId: id, outcome: 'released', errorCode: 'cancelled' });
    expect(await standings(stack, [id])).toMatchObject([{ state: 'released', video: null, attempts: [] }]);
    expect(await createsOf(stack, prompt)).toBe(0);
    expect(await account.credits()).toMatchObject({ available_microcredits: GRANTED, held_microcredits: 0 });
  });
});

/** Moves a hold into the past, as the superuser alone can. */
async function endHourOf(id: string): Promise<void> {
  await stack.database.admin.query(`BEGIN; SET LOCAL session_replication_role = replica;
    UPDATE holds SET placed_at = placed_at - interval '1 hour', expires_at = now() - interval '1 second'
      WHERE generation_id = '${id}'; COMMIT`);
}
