import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import type { WorkflowHandle } from '@temporalio/client';
import type { TestAccount, TestStack } from './stack.ts';

/** Helpers for tests of whole generations: request videos, wait for their end, inspect the books and the provider. */

/** Requests a 4 s sora-2 video; returns its id once the hold is placed. Where too many ask at once, comes again when it is told to. */
export async function ask({ fetch }: TestAccount, prompt: string): Promise<string> {
  for (;;) {
    const answer = await fetch('/v1/videos', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt }),
    });
    const body = (await answer.json()) as { id: string; error?: { message: string } };
    if (answer.status !== 503 || body.error?.message.startsWith('More is asked for') !== true) {
      expect({ status: answer.status, body }).toMatchObject({ status: 200 });
      return body.id;
    }
    await delay(Number(answer.headers.get('retry-after')) * 1000);
  }
}

export { forEachOf } from './forEachOf.ts';

/** A generation as the database has it. */
export interface Standing {
  readonly id: string;
  readonly state: string;
  readonly charged: number | null;
  readonly code: string | null;
  readonly video: string | null;
  /** The outcomes of its attempts, in order; null: open. */
  readonly attempts: (string | null)[];
}

const STANDING = `SELECT g.id, g.state, g.charged_amount_microcredits AS charged, g.error_code AS code,
    g.provider_video_id AS video,
    ARRAY(SELECT a.outcome FROM provider_attempts a WHERE a.generation_id = g.id ORDER BY a.number) AS attempts
  FROM generations g WHERE g.id = ANY($1) ORDER BY array_position($1, g.id)`;

export async function standings({ database }: TestStack, ids: readonly string[]): Promise<Standing[]> {
  return (await database.pool.query<Standing>(STANDING, [ids])).rows;
}

/** Waits until each of these is settled; returns the settlements in the same order. */
export async function untilSettled(stack: TestStack, ids: readonly string[], timeoutMs = 45_000): Promise<Standing[]> {
  return vi.waitFor(
    async () => {
      const all = await standings(stack, ids);
      const open = all.filter(({ state }) => state !== 'charged' && state !== 'released');
      if (open.length > 0) throw new Error(`${open.length} of ${ids.length} are open, as ${JSON.stringify(open[0])}`);
      return all;
    },
    { timeout: timeoutMs, interval: 100 },
  );
}

/** Waits until this generation's row satisfies a condition in SQL. */
export async function untilRow({ database }: TestStack, id: string, condition: string): Promise<void> {
  await vi.waitFor(
    async () => {
      const { rowCount } = await database.pool.query(`SELECT FROM generations g WHERE id = $1 AND ${condition}`, [id]);
      if (rowCount === 0) throw new Error(`${id} is not yet: ${condition}`);
    },
    { timeout: 20_000, interval: 50 },
  );
}

/** Everything that a movement of this account's credits would change, and its attempts. */
export async function booksOf({ database }: TestStack, { id }: TestAccount): Promise<unknown> {
  const { rows } = await database.pool.query(
    `SELECT a.available_microcredits, a.held_microcredits, a.active_generations,
      (SELECT json_agg(t ORDER BY t.id) FROM journal_transactions t WHERE t.account_id = a.id) AS movements,
      (SELECT json_agg(h ORDER BY h.id) FROM holds h WHERE h.account_id = a.id) AS holds,
      (SELECT json_agg(c ORDER BY c.generation_id, c.number) FROM provider_attempts c
        JOIN generations g ON g.id = c.generation_id WHERE g.account_id = a.id) AS attempts
    FROM accounts a WHERE a.id = $1`,
    [id],
  );
  return rows[0];
}

/** The kinds of a generation's journal transactions, in order: at most a hold and one settlement. */
export async function movementsOf({ database }: TestStack, id: string): Promise<string[]> {
  const sql = 'SELECT kind FROM journal_transactions WHERE generation_id = $1 ORDER BY id';
  return (await database.pool.query<{ kind: string }>(sql, [id])).rows.map(({ kind }) => kind);
}

/** The data of a generation's events of one kind. */
export async function eventsOf({ database }: TestStack, id: string, kind: string): Promise<unknown[]> {
  const sql = 'SELECT data FROM generation_events WHERE generation_id = $1 AND kind = $2 ORDER BY sequence';
  return (await database.pool.query<{ data: unknown }>(sql, [id, kind])).rows.map(({ data }) => data);
}

export async function expectNoDrift({ database }: TestStack): Promise<void> {
  expect((await database.pool.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
}

interface SimulatorStats {
  readonly creates: number;
  readonly videos: number;
  readonly retrieves: number;
  readonly creates_by_prompt_sha256: Record<string, number>;
}

export async function providerStats({ simulatorUrl }: TestStack): Promise<SimulatorStats> {
  return (await (await fetch(`${simulatorUrl}/_simulator/stats`)).json()) as SimulatorStats;
}

/** How many submissions with exactly this prompt the provider has received. */
export async function createsOf(stack: TestStack, prompt: string): Promise<number> {
  const key = createHash('sha256').update(prompt).digest('hex');
  return (await providerStats(stack)).creates_by_prompt_sha256[key] ?? 0;
}

interface ListedVideo {
  readonly id: string;
  readonly prompt: string;
}

/** Every video at the provider. */
export async function providerVideos({ simulatorUrl }: TestStack): Promise<ListedVideo[]> {
  const videos: ListedVideo[] = [];
  for (let after = ''; ;) {
    const answer = await fetch(`${simulatorUrl}/v1/videos?limit=100${after}`, {
      headers: { authorization: 'Bearer key' },
    });
    const page = (await answer.json()) as { data: ListedVideo[]; has_more: boolean; last_id: string };
    videos.push(...page.data);
    if (!page.has_more) return videos;
    after = `&after=${page.last_id}`;
  }
}

/** Makes every call of the provider fail in this way; null ends the fault. */
export async function strikeProvider({ simulatorUrl }: TestStack, all: 'hang' | null): Promise<void> {
  await fetch(`${simulatorUrl}/_simulator/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ all }),
  });
}

type HistoryEvent = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>[number];
/** An event id: a 64-bit integer of protobuf. */
export type EventId = NonNullable<HistoryEvent['eventId']>;

/** The completed workflow tasks, to which a reset can go back. */
export async function completedTasks(handle: WorkflowHandle): Promise<EventId[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap(({ workflowTaskCompletedEventAttributes: completed, eventId }) =>
    completed && eventId ? [eventId] : [],
  );
}

/** A workflow's whole history as text, including payloads. */
export async function readableHistory({ env }: TestStack, workflowId: string): Promise<string> {
  const { events } = await env.client.workflow.getHandle(workflowId).fetchHistory();
  const text = JSON.stringify(events);
  const payloads = text.match(/"data":"([A-Za-z0-9+/=]+)"/g) ?? [];
  return text + payloads.map((each) => Buffer.from(each.slice(8, -1), 'base64').toString()).join('\n');
}
