import { randomUUID } from 'node:crypto';
import { expect, vi } from 'vitest';
import type { ReconcileReport } from '../../../contracts/reconcile.ts';
import { createProvider } from '../../../provider/index.ts';
import { admit, openTenant, PRICE } from './database.ts';
import { untilSettled } from './generations.ts';
import type { TestAccount, TestStack } from './stack.ts';
import { adminPost } from './stack.ts';

/** Runs the reconciler as an operator does; returns its report. */
export async function reconcile(stack: TestStack, dryRun = false): Promise<ReconcileReport> {
  const answer = await adminPost(stack, '/reconcile', { dry_run: dryRun });
  const body = (await answer.json()) as ReconcileReport;
  expect({ status: answer.status, body }).toMatchObject({ status: 200 });
  return body;
}

export async function terminate(stack: TestStack, id: string): Promise<void> {
  await stack.env.client.workflow.getHandle(id).terminate('a test');
}

/** Moves the end of a hold to this many seconds from now, with the triggers that forbid it disabled. */
export async function bendHold({ database }: TestStack, id: string, seconds: number): Promise<void> {
  const client = await database.admin.connect();
  try {
    await client.query('BEGIN; SET LOCAL session_replication_role = replica');
    await client.query(
      `UPDATE holds SET placed_at = now() + ($2 - 10800) * interval '1 second', expires_at = now() + $2 * interval '1 second' WHERE generation_id = $1`,
      [id, seconds],
    );
    await client.query('COMMIT');
  } finally {
    client.release();
  }
}

export interface LostVideo {
  readonly id: string;
  readonly accountId: string;
  readonly providerVideoId: string;
}

/** A held generation whose video is being made and that has no workflow, as after the loss of Temporal. */
export async function loseVideo(stack: TestStack, prompt: string, owner?: TestAccount): Promise<LostVideo> {
  const { database, simulatorUrl } = stack;
  const { ledger } = database;
  const tenant =
    owner === undefined
      ? await openTenant(database, PRICE)
      : { accountId: owner.id, apiKeyId: await keyOf(stack, owner) };
  const provider = createProvider({
    name: 'openai',
    baseUrl: `${simulatorUrl}/v1`,
    apiKey: 'key',
    createEncoding: 'multipart',
  });
  const unique = `${prompt} ${randomUUID()}`;
  const id = await admit(database, tenant, unique);
  await ledger.placeHold(id, 3600);
  await ledger.beginAttempt(id, [provider]);
  const made = await provider.createVideo({ model: 'sora-2', prompt: unique, seconds: 4, size: '720x1280' });
  if (made.outcome !== 'created') throw new Error(JSON.stringify(made));
  const { id: providerVideoId, createdAt: providerCreatedAt } = made.video;
  await ledger.endAttempt(id, 1, { outcome: 'created', providerVideoId, providerCreatedAt });
  return { id, accountId: tenant.accountId, providerVideoId };
}

/** Waits until the video has ended at the provider, without a look of ours. */
export async function untilProviderEnds(
  stack: TestStack,
  { providerVideoId }: Pick<LostVideo, 'providerVideoId'>,
): Promise<void> {
  const provider = createProvider({
    name: 'openai',
    baseUrl: `${stack.simulatorUrl}/v1`,
    apiKey: 'key',
    createEncoding: 'multipart',
  });
  await vi.waitFor(
    async () => {
      const seen = await provider.retrieveVideo(providerVideoId);
      expect(seen).toMatchObject({ outcome: 'seen', video: { verdict: expect.stringMatching(/completed|failed/) } });
    },
    { timeout: 10_000, interval: 50 },
  );
}

async function keyOf({ database }: TestStack, { id }: TestAccount): Promise<string> {
  const { rows } = await database.pool.query<{ id: string }>('SELECT id FROM api_keys WHERE account_id = $1', [id]);
  return rows[0]?.id ?? '';
}

/** The acts of a run, or of a dry run, for this generation. */
export function actsOn(report: ReconcileReport, id: string): [string, string][] {
  return report.acts
    .filter(({ generation_id }) => generation_id === id)
    .map(({ action, outcome }) => [action, outcome]);
}

/** Waits for its settlement; returns the error code, or the state if there is none. */
export async function settledAs(stack: TestStack, id: string): Promise<string | undefined> {
  const [settled] = await untilSettled(stack, [id]);
  return settled?.code ?? settled?.state;
}
