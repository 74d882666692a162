import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { videoId } from '../../contracts/ids.ts';
import { RECONCILE_HOLDS } from '../../contracts/reconcile.ts';
import { TASK_QUEUE } from '../../contracts/temporal.ts';
import { countStranded, keepCurrent, listWorkerVersions, untilCurrent } from '../../temporal/workerVersions.ts';
import type { TestDatabase } from '../harness/support/database.ts';
import { createTestDatabase } from '../harness/support/database.ts';
import type { FakeWorld } from '../harness/support/fakes.ts';
import { COMPLETED, fakeWorld, OPEN } from '../harness/support/fakes.ts';
import { createDevServer, startGeneration, startWorkers } from '../harness/support/temporal.ts';

/** Workers of two builds on one Temporal server, and the database that remembers which of them is current. */

let env: TestWorkflowEnvironment;
let db: TestDatabase;
let isMade = false;
const stops = new Map<string, () => Promise<void>>();
const world: FakeWorld = fakeWorld({ now: async () => Date.now(), look: () => (isMade ? COMPLETED : OPEN) });

const memoryOf = (ownBuild: string) => ({
  ownBuild,
  recall: () => db.ledger.getCurrentBuild(),
  remember: (buildId: string) => db.ledger.recordCurrentBuild(buildId),
});
const start = async (server: TestWorkflowEnvironment, build: string) =>
  stops.set(build, await startWorkers(server, world, { buildId: build }));
const stop = async (build: string) => {
  await stops.get(build)?.();
  stops.delete(build);
};
const currentOf = async (server: TestWorkflowEnvironment) =>
  (await listWorkerVersions(server.client)).find(({ isCurrent }) => isCurrent)?.buildId;
const PATIENT = { timeout: 20_000, interval: 50 };

async function buildOf(workflowId: string): Promise<string | undefined> {
  const { raw } = await env.client.workflow.getHandle(workflowId).describe();
  return raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId ?? undefined;
}

beforeAll(async () => {
  [env, db] = await Promise.all([createDevServer(), createTestDatabase()]);
});
afterAll(async () => {
  await Promise.all([...stops.keys()].map(stop));
  await Promise.all([env.teardown(), db.drop()]);
});

it('the first worker makes its build current; a later one doesn’t, before a deployment says so', async () => {
  await start(env, 'old');
  await vi.waitFor(async () => expect(await keepCurrent(env.client, memoryOf('old'))).toBe(true), PATIENT);
  await start(env, 'new');
  await keepCurrent(env.client, memoryOf('new'));
  expect(await currentOf(env)).toBe('old');
  expect(await untilCurrent(env.client, 'nobody runs it', 0)).toBe(false);
  expect(await currentOf(env)).toBe('old');
});

it('a generation ends with the build that began it; what begins after the deployment, which Temporal was slow to carry out, and the reconciler run on the new one', async () => {
  const begun = videoId(crypto.randomUUID());
  await startGeneration(env, begun);
  await vi.waitFor(async () => expect(await buildOf(begun)).toBe('old'), PATIENT);
  const setting = vi.spyOn(env.connection.workflowService, 'setWorkerDeploymentCurrentVersion');
  setting.mockRejectedValueOnce(Object.assign(new Error(), { code: 4, details: '', metadata: {} }));
  const memory = memoryOf('old');
  // The deployment comes in the middle of an old worker's check.
  const recall = async () => {
    expect(await untilCurrent(env.client, 'new', PATIENT.timeout)).toBe(true);
    await memory.remember('new');
    return memory.recall();
  };
  await keepCurrent(env.client, { ...memory, recall });
  expect(await db.ledger.getCurrentBuild()).toBe('new');
  expect(setting.mock.calls.length).toBeGreaterThan(1);
  setting.mockRestore();
  await keepCurrent(env.client, memoryOf('old'));
  expect(await db.ledger.getCurrentBuild()).toBe('new');

  const later = videoId(crypto.randomUUID());
  await startGeneration(env, later);
  const reconciling = { workflowId: 'reconciling', taskQueue: TASK_QUEUE.workflowsAndLedger, args: [{ dryRun: true }] };
  await env.client.workflow.start(RECONCILE_HOLDS, reconciling);
  await vi.waitFor(async () => {
    expect(await buildOf(later)).toBe('new');
    expect(await buildOf('reconciling')).toBe('new');
  }, PATIENT);

  // A version is stranded when its workers are gone, and no sooner.
  expect(await countStranded(env.client)).toBe(0);
  await stop('old');
  await vi.waitFor(async () => expect(await countStranded(env.client)).toBe(1), PATIENT);
  await start(env, 'old');
  await vi.waitFor(async () => expect(await countStranded(env.client)).toBe(0), PATIENT);
  isMade = true;
  for (const id of [begun, later]) {
    expect(await env.client.workflow.getHandle(id).result()).toMatchObject({ outcome: 'captured' });
  }
  expect([await buildOf(begun), await buildOf(later)]).toEqual(['old', 'new']);
}, 60_000);

it('after Temporal has lost its database, an old worker makes the newer build current again', async () => {
  const empty = await createDevServer();
  try {
    const stopOld = await startWorkers(empty, world, { buildId: 'old' });
    await vi.waitFor(async () => expect(await keepCurrent(empty.client, memoryOf('old'))).toBe(true), PATIENT);
    const stopNew = await startWorkers(empty, world, { buildId: 'new' });
    await vi.waitFor(async () => expect(await currentOf(empty)).toBe('new'), PATIENT);
    await Promise.all([stopOld(), stopNew()]);
  } finally {
    await empty.teardown();
  }
}, 60_000);
