import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { untilItWorks } from '../../../dev/ports.ts';
import { forEachOf } from '../support/forEachOf.ts';
import type { OwnAccount } from '../support/ownStack.ts';
import type { Site } from './site.ts';

/** Requests videos over HTTP and waits until nothing of them is left to do. */

export interface Ask {
  readonly prompt: string;
  readonly seconds?: string;
}

export interface Requested {
  readonly ids: string[];
  readonly latencies_ms: number[];
}

/**
 * Requests so many videos with so many clients, each of which waits for its answer: its latency is all the time until its video is
 * accepted. Raises unless all are.
 */
export async function requestVideos(
  { stack }: Site,
  account: OwnAccount,
  { count, clients, ask }: { count: number; clients: number; ask: (index: number) => Ask },
): Promise<Requested> {
  const latencies_ms: number[] = [];
  const ids = await forEachOf(Array.from({ length: count }), clients, async () => {
    const beganMs = performance.now();
    const id = await requestVideo(stack, account, ask(latencies_ms.length));
    latencies_ms.push(performance.now() - beganMs);
    return id;
  });
  return { ids, latencies_ms };
}

/** As OpenAI's SDK does, comes again when the door tells it to. */
async function requestVideo({ endpoints }: Site['stack'], account: OwnAccount, ask: Ask): Promise<string> {
  for (;;) {
    const answer = await fetch(`${endpoints.api}/v1/videos`, {
      method: 'POST',
      headers: { authorization: `Bearer ${account.key}`, 'content-type': 'application/json' },
      body: JSON.stringify(ask),
    });
    const body = await answer.text();
    if (answer.status === 200) return (JSON.parse(body) as { id: string }).id;
    const retryAfterSeconds = Number(answer.headers.get('retry-after') ?? Number.NaN);
    if (answer.status !== 503 || Number.isNaN(retryAfterSeconds)) {
      throw new Error(`POST /v1/videos: ${answer.status} ${body}`);
    }
    await delay(retryAfterSeconds * 1000);
  }
}

/** Resolves when all are charged and archived, or released, and none of their workflows runs. */
export async function untilDone(site: Site, temporal: Client, ids: readonly string[], limitMs: number): Promise<void> {
  const isOurs = new Set(ids);
  await untilItWorks(
    async () => {
      const open = await countOpen(site, ids);
      if (open > 0) throw new Error(`${open} videos are not settled or not archived`);
      for await (const { workflowId } of temporal.workflow.list({ query: 'ExecutionStatus = "Running"' })) {
        if (isOurs.has(generationOf(workflowId))) throw new Error(`${workflowId} still runs`);
      }
    },
    limitMs,
    250,
  );
}

async function countOpen({ database }: Site, ids: readonly string[]): Promise<number> {
  const { rows } = await database.query<{ open: number }>(
    `SELECT count(*)::integer AS open FROM generations g
     WHERE id = ANY($1) AND state <> 'released'
       AND NOT (state = 'charged' AND EXISTS (SELECT FROM contents c WHERE c.generation_id = g.id))`,
    [ids],
  );
  return rows[0]?.open ?? ids.length;
}

/** For each video, how long after its end at the provider its hold was settled. */
export async function settleLags({ database, simulator }: Site, ids: readonly string[]): Promise<number[]> {
  const ends = await simulator.ends();
  const { rows } = await database.query<{ video: string; at: Date }>(
    `SELECT g.provider_video_id AS video, h.settled_at AS at
     FROM generations g JOIN holds h ON h.generation_id = g.id WHERE g.id = ANY($1)`,
    [ids],
  );
  return rows.map(({ video, at }) => at.getTime() - (ends.get(video) ?? Number.NaN));
}

export interface Events {
  /** Of the generation's own workflow. */
  readonly own: number;
  /** Of all workflows that carry the generation's id. */
  readonly all: number;
}

/** The events in the histories of these generations, for each of them. */
export async function eventsOf(temporal: Client, ids: readonly string[]): Promise<Events[]> {
  const found = new Map(ids.map((id) => [id, { own: 0, all: 0 }]));
  for (const [id, events] of found) events.own = (await temporal.workflow.getHandle(id).describe()).historyLength;
  for await (const { workflowId, historyLength } of temporal.workflow.list()) {
    const events = found.get(generationOf(workflowId));
    if (events !== undefined) events.all += historyLength;
  }
  return [...found.values()];
}

/** The generation whose id is in the workflow's id; empty where there is none. */
function generationOf(workflowId: string): string {
  return /video_[0-9a-f]+/.exec(workflowId)?.[0] ?? '';
}
