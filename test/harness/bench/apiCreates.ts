import { openBooks } from '../support/database.ts';
import { openDatabase } from '../../../store/index.ts';
import { createHash, randomUUID } from 'node:crypto';
import { Client, Connection, WithStartWorkflowOperation } from '@temporalio/client';
import { v7 as uuidv7 } from 'uuid';
import { videoId } from '../../../contracts/ids.ts';
import type { GenerationInput, GenerationResult } from '../../../contracts/temporal.ts';
import { GENERATE_VIDEO, PLACED_UPDATE, PLACED_UPDATE_ID, TASK_QUEUE } from '../../../contracts/temporal.ts';
import { createPool } from '../../../store/index.ts';
import { forEachOf } from '../support/forEachOf.ts';
import type { OwnAccount, OwnStack } from '../support/ownStack.ts';
import { median, quantile } from './figures.ts';

/** `POST /v1/videos`, beside a bare update-with-start of the same workflow type on the same Temporal, in turns. */

const CLIENTS = 4;
const GRANTED = 1_000_000_000;

export interface CreateOptions {
  readonly rounds: number;
  /** Of each way in each round; an account may have 300 videos in progress. */
  readonly creates: number;
}

interface Measured {
  readonly perSecond: number[];
  readonly latencies_ms: number[];
}

/** Measures, and returns the lines to print. */
export async function benchCreates(stack: OwnStack, { rounds, creates }: CreateOptions): Promise<string[]> {
  const { endpoints } = stack;
  const pool = createPool({
    databaseUrl: endpoints.databaseUrl,
    size: CLIENTS,
    applicationName: 'bench',
    onError: () => undefined,
  });
  const ledger = openBooks(openDatabase(pool));
  const connection = await Connection.connect({ address: endpoints.temporalAddress });
  const temporal = new Client({ connection, namespace: endpoints.temporalNamespace });

  /** As the API admits it; not measured, for the bare start has to find it. */
  async function admit({ id: accountId, keyId: apiKeyId }: OwnAccount): Promise<string> {
    const generationId = videoId(uuidv7());
    await ledger.admitGeneration({
      ...{ generationId, accountId, apiKeyId, model: 'sora-2', seconds: 4, size: '720x1280' },
      prompt: `a fox ${randomUUID()}`,
      admitWithinMs: 600_000,
      fingerprint: createHash('sha256').update(generationId).digest(),
      idempotencyKey: null,
    });
    return generationId;
  }
  const throughApi = async (account: OwnAccount) => {
    const prompts = Array.from({ length: creates }, () => `a fox ${randomUUID()}`);
    return measure(prompts, (prompt) => postVideo(endpoints.api, account.key, prompt));
  };
  const bare = async (account: OwnAccount) => {
    const ids = await forEachOf(Array.from({ length: creates }), CLIENTS, () => admit(account));
    return measure(ids, (id) => startBare(temporal, id, account.id));
  };

  const found: Record<string, Measured> = {};
  try {
    // Round 0 warms up.
    for (let round = 0; round <= rounds; round += 1) {
      for (const [way, run] of Object.entries({ API: throughApi, bare })) {
        const { perSecond, latencies_ms } = await run(await stack.openAccount(GRANTED));
        if (round === 0) continue;
        const all = (found[way] ??= { perSecond: [], latencies_ms: [] });
        all.perSecond.push(perSecond);
        all.latencies_ms.push(...latencies_ms);
      }
    }
  } finally {
    await Promise.all([pool.end(), connection.close()]);
  }
  const ratio = median(found['API']!.perSecond) / median(found['bare']!.perSecond);
  return Object.entries(found).map(([way, { perSecond, latencies_ms }]) => {
    const [p50, p99] = [0.5, 0.99].map((part) => quantile(latencies_ms, part).toFixed(0));
    const beside = way === 'API' ? `, ${ratio.toFixed(2)} of a bare update-with-start` : '';
    return `POST /v1/videos, ${way.padEnd(14)} ${median(perSecond).toFixed(1).padStart(6)}/s  p50 ${p50} ms  p99 ${p99} ms${beside}`;
  });
}

async function measure<Item>(items: readonly Item[], work: (item: Item) => Promise<void>) {
  const beganMs = performance.now();
  const latencies_ms = await forEachOf(items, CLIENTS, async (item) => {
    const startedMs = performance.now();
    await work(item);
    return performance.now() - startedMs;
  });
  return { perSecond: items.length / ((performance.now() - beganMs) / 1000), latencies_ms };
}

/** Requests a video over HTTP. Raises unless it is accepted. */
export async function postVideo(api: string, key: string, prompt: string): Promise<void> {
  const answer = await fetch(`${api}/v1/videos`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ prompt }),
  });
  const body = await answer.text();
  if (answer.status !== 200) throw new Error(`POST /v1/videos: ${answer.status} ${body}`);
}

async function startBare(temporal: Client, generationId: string, accountId: string): Promise<void> {
  const placed = await temporal.workflow.executeUpdateWithStart(PLACED_UPDATE, {
    updateId: PLACED_UPDATE_ID,
    startWorkflowOperation: new WithStartWorkflowOperation<(input: GenerationInput) => Promise<GenerationResult>>(
      GENERATE_VIDEO,
      {
        workflowId: generationId,
        taskQueue: TASK_QUEUE.workflowsAndLedger,
        args: [{ generationId, accountId }],
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        workflowIdConflictPolicy: 'USE_EXISTING',
      },
    ),
  });
  if (placed.outcome !== 'held') throw new Error(`not held: ${JSON.stringify(placed)}`);
}
