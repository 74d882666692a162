import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GenerationInput, GenerationResult } from '../../contracts/temporal.ts';
import { archiveActivityId, GENERATE_VIDEO, TASK_QUEUE } from '../../contracts/temporal.ts';
import type { VideoCrashPoint } from '../harness/support/crashPoints.ts';
import { CRASH_POINTS } from '../harness/support/crashPoints.ts';
import type { CrashSite } from '../harness/support/crashes.ts';
import { namespaceOf, openCrashSite, spawnWorker } from '../harness/support/crashes.ts';
import type { Tenant } from '../harness/support/database.ts';
import { admit, openTenant, PRICE } from '../harness/support/database.ts';

/**
 * A worker process kills itself at the point, as `kill -9` would; another worker finishes the generation. Whatever the
 * point, the video is charged once and made once. All points crash at once, each in a Temporal namespace of its own, for
 * the time is spent on waiting: Temporal notices a dead worker after 12 s (heartbeat) or 15 s (start to close).
 */

const GRANTED = 1_000_000;

/** The ends of the create attempts, in order; after an attempt that reached the provider there is never a second one. */
const ATTEMPTS: Record<VideoCrashPoint, string[]> = {
  'hold:before': ['created'],
  'hold:after': ['created'],
  'create:before': ['created'],
  // Committed but never sent. It may have arrived for all that we know: looked for, not found, and only then made.
  'create:begun': ['not_found', 'created'],
  // The provider made it and nobody noted its id: found in the provider's list.
  'create:made': ['adopted'],
  'create:recorded': ['created'],
  'look:before': ['created'],
  'look:seen': ['created'],
  'look:recorded': ['created'],
  // The provider's answer to the create was lost, so the worker was looking for the video when it died.
  'find:before': ['adopted'],
  'find:listed': ['adopted'],
  'find:adopted': ['adopted'],
  'settle:before': ['created'],
  'settle:after': ['created'],
  'settle:told': ['created'],
  'archive:starting': ['created'],
  'archive:started': ['created'],
  'archive:before': ['created'],
  'archive:stored': ['created'],
  'archive:recorded': ['created'],
};

interface Recovery {
  readonly endedBy: NodeJS.Signals | 'none' | null;
  readonly tenant: Tenant;
  readonly generationId: string;
  readonly result: GenerationResult;
  readonly seconds: number;
}

interface ProviderCounts {
  creates: number;
  videos: number;
  creates_by_prompt_sha256: Record<string, number>;
}

/** The generation that is there before, so that the looks come as soon as for any model that is used. */
const EARLIER = 1;
let site: CrashSite;
let recoveries: Map<VideoCrashPoint, Promise<Recovery>>;
const table: string[] = [];

/** Two cores: more processes that start at once only wait for each other. */
const startsInTurn = pLimit(2);

beforeAll(async () => {
  site = await openCrashSite(CRASH_POINTS);
  await completeEarlierGeneration();
  recoveries = new Map(CRASH_POINTS.map((point) => [point, crashAndRecover(point)]));
  // Each is awaited by its test.
  for (const recovery of recoveries.values()) recovery.catch(() => undefined);
});

afterAll(async () => {
  await Promise.allSettled(recoveries.values());
  await site.close();
  console.info(
    ['| killed at | creates at the provider | attempts | outcome | took |', '|---|---|---|---|---|', ...table].join(
      '\n',
    ),
  );
});

async function completeEarlierGeneration(): Promise<void> {
  const { ledger } = site.database;
  const generationId = await admit(site.database, await openTenant(site.database, GRANTED), 'an earlier one');
  await ledger.placeHold(generationId, 3600);
  await ledger.beginAttempt(generationId, [{ identity: 'openai@http://127.0.0.1' }]);
  const [createdAt, completedAt] = [new Date(Date.now() - 1000), new Date()];
  const video = { providerVideoId: 'earlier', providerCreatedAt: createdAt };
  await ledger.endAttempt(generationId, 1, { outcome: 'created', ...video });
  const seen = {
    verdict: 'completed',
    status: 'completed',
    progress: 100,
    errorCode: null,
    errorMessage: null,
  } as const;
  await ledger.recordLook(generationId, 'earlier', { ...seen, completedAt });
  await ledger.settleGeneration(generationId, 'completed');
}

function promptOf(point: VideoCrashPoint): string {
  return `a fox at ${point}${point.startsWith('find:') ? ' [[create:lost-reply]]' : ''}`;
}

async function crashAndRecover(point: VideoCrashPoint): Promise<Recovery> {
  const namespace = namespaceOf(point);
  const worker = await startsInTurn(async () => {
    const started = spawnWorker({ ...site.environment(namespace), CRASH_AT: point });
    await started.ready;
    return started;
  });
  const began = performance.now();
  const tenant = await openTenant(site.database, GRANTED);
  const generationId = await admit(site.database, tenant, promptOf(point));
  const client = site.client(namespace);
  const generation = await client.workflow.start<(input: GenerationInput) => Promise<GenerationResult>>(
    GENERATE_VIDEO,
    {
      workflowId: generationId,
      taskQueue: TASK_QUEUE.workflowsAndLedger,
      args: [{ generationId, accountId: tenant.accountId }],
    },
  );
  const finished = generation.result();
  // The copy goes on after the generation has finished.
  const archived = finished.then(() => client.activity.getHandle(archiveActivityId(generationId)).result());
  archived.catch(() => undefined);
  // It must die before the generation is finished; one that does not is no crash to recover from.
  const endedBy = await Promise.race([worker.ended, archived.then(() => 'none' as const)]);
  worker.kill();
  const stop = await site.recover(namespace);
  try {
    const result = await finished;
    await archived;
    return { endedBy, tenant, generationId, result, seconds: Math.round((performance.now() - began) / 1000) };
  } finally {
    await stop();
  }
}

async function column(sql: string, id: string): Promise<unknown[]> {
  const { rows } = await site.database.admin.query<[unknown]>({ text: sql, values: [id], rowMode: 'array' });
  return rows.map(([value]) => value);
}

async function providerCounts(): Promise<ProviderCounts> {
  return (await (await fetch(`${site.simulatorUrl}/_simulator/stats`)).json()) as ProviderCounts;
}

describe('a worker that is killed', () => {
  it.each(CRASH_POINTS)(
    'at %s: the next one charges the video once, and the provider was asked for one video only',
    { timeout: 100_000 },
    async (point) => {
      const { endedBy, tenant, generationId, result, seconds } = await recoveries.get(point)!;
      const creates = (await providerCounts()).creates_by_prompt_sha256[sha256(promptOf(point))] ?? 0;
      const attempts = await column(
        'SELECT outcome FROM provider_attempts WHERE generation_id = $1 ORDER BY number',
        generationId,
      );
      table.push(`| \`${point}\` | ${creates} | ${attempts.join(', ')} | ${result.outcome} | ${seconds} s |`);

      expect(endedBy).toBe('SIGKILL');
      expect(result).toEqual({ generationId, outcome: 'captured', errorCode: null });
      expect({ creates, attempts }).toEqual({ creates: 1, attempts: ATTEMPTS[point] });
      expect(await column('SELECT state FROM holds WHERE generation_id = $1', generationId)).toEqual(['captured']);
      expect(
        await column('SELECT kind FROM journal_transactions WHERE generation_id = $1 ORDER BY id', generationId),
      ).toEqual(['hold', 'capture']);
      expect(await site.database.ledger.getBalance(tenant.accountId)).toMatchObject({
        availableMicrocredits: GRANTED - PRICE,
        heldMicrocredits: 0,
      });
    },
  );

  it('at any of these leaves as many videos at the provider as were charged, and no drift in the ledger', async () => {
    const ended = await Promise.allSettled(recoveries.values());
    expect(ended.filter(({ status }) => status === 'rejected')).toEqual([]);
    expect(await providerCounts()).toMatchObject({ creates: CRASH_POINTS.length, videos: CRASH_POINTS.length });
    const charged = await site.database.admin.query("SELECT FROM generations WHERE state = 'charged'");
    expect(charged.rowCount).toBe(CRASH_POINTS.length + EARLIER);
    expect((await site.database.admin.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
  });
});

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
