import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createProviderActivities } from '../../activities/providerActivities.ts';
import { toTimeline } from '../../api/generations/timeline.ts';
import type { SubmitOutcome } from '../../contracts/activities.ts';
import { type CreateResult, type Provider, providersOf } from '../../provider/index.ts';
import type { TestDatabase, Tenant } from '../harness/support/database.ts';
import { PRICE, admit, createTestDatabase, openTenant } from '../harness/support/database.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(async () => {
  await db.drop();
});

const NAME = 'openai@http://provider';

async function held(): Promise<{ id: string; tenant: Tenant }> {
  const tenant = await openTenant(db, PRICE);
  const id = await admit(db, tenant, randomUUID());
  await db.ledger.placeHold(id, 3600);
  return { id, tenant };
}

/** A provider that answers every create so, and what became of asking it once. */
async function create(id: string, answer: CreateResult, heartbeat?: unknown) {
  const alarms: string[] = [];
  const logged: [fields: object, message: string][] = [];
  const log = (fields: object, message: string) => logged.push([fields, message]);
  let creates = 0;
  const createVideo = async () => {
    creates += 1;
    return answer;
  };
  const activities = createProviderActivities({
    store: db.ledger,
    providers: providersOf([{ identity: NAME, createVideo, readWebhook: null } as unknown as Provider]),
    lookForCreateMs: 0,
    textLeaseMs: 1000,
    count: (alarm) => alarms.push(alarm),
    log: { info: log, warn: log, error: log },
  });
  const environment = new MockActivityEnvironment({ heartbeatDetails: heartbeat });
  let details: unknown;
  environment.on('heartbeat', (beat: unknown) => (details = beat));
  const input = { generationId: id, leastTimeLeftMs: 0 };
  const outcome = (await environment.run(activities.submitVideo, input)) as SubmitOutcome;
  return { outcome, alarms, logged, creates, details };
}

const made = (id: string): CreateResult => ({
  outcome: 'created',
  video: {
    id,
    verdict: 'open',
    status: 'queued',
    progress: null,
    createdAt: new Date(),
    completedAt: null,
    errorCode: null,
    errorMessage: null,
    prompt: null,
    model: null,
    seconds: null,
    size: null,
    hasAudio: null,
    remixedFrom: null,
  },
});

describe('a provider that begins its ids again', () => {
  it('is told and alerted, and asked for no second video: nobody is charged for another’s', async () => {
    const [first, second] = [await held(), await held()];
    expect((await create(first.id, made('video_1'))).outcome).toMatchObject({ outcome: 'created' });
    const again = await create(second.id, made('video_1'));
    expect(again).toMatchObject({ outcome: { outcome: 'conflict' }, alarms: ['provider_id_conflict'], creates: 1 });
    const asked = await create(second.id, made('video_2'));
    expect(asked).toMatchObject({ outcome: { outcome: 'conflict' }, creates: 0 });
    const steps = toTimeline('video', await db.ledger.listEvents(second.tenant.accountId, second.id));
    expect(steps.map(({ type }) => type)).toContain('attempt_conflict');
    expect(await db.ledger.getProviderVideo(second.id)).toMatchObject({ videoId: null });
  });

  it('is the same to a try that died before it heard how its answer was recorded', async () => {
    const [first, second] = [await held(), await held()];
    await create(first.id, made('video_3'));
    const { details } = await create(second.id, made('video_3'));
    expect(await create(second.id, made('video_4'), details)).toMatchObject({
      outcome: { outcome: 'conflict' },
      creates: 0,
    });
  });
});

// MR-13
it('a refusal for what the operator owes is alerted, and told to operators alone', async () => {
  const { id, tenant } = await held();
  const message = 'The account of your company owes 12 dollars';
  const refusal = { outcome: 'operators_fault', why: 'HTTP 402', message, retryAfterMs: null } as const;
  expect(await create(id, refusal)).toMatchObject({
    outcome: { outcome: 'not_made' },
    alarms: ['provider_operator_fault'],
  });
  const kept = await db.admin.query('SELECT error_message AS message FROM provider_attempts WHERE generation_id = $1', [
    id,
  ]);
  expect(kept.rows).toEqual([{ message }]);
  await db.ledger.settleGeneration(id, 'provider_unavailable');
  const generation = await db.ledger.getGeneration(tenant.accountId, id);
  expect(generation).toMatchObject({ state: 'released', errorCode: 'provider_unavailable' });
  const steps = toTimeline('video', await db.ledger.listEvents(tenant.accountId, id));
  expect(JSON.stringify([generation, steps])).not.toContain('owes');
});

it('an answer whose attempt was closed meanwhile is no video of the generation', async () => {
  const { id } = await held();
  await db.ledger.beginAttempt(id, [{ identity: NAME }]);
  await db.ledger.endAttempt(id, 1, { outcome: 'not_found' });
  const late = { number: 1, providerVideoId: 'late', createdAtMs: null };
  expect((await create(id, made('x'), late)).outcome).toMatchObject({ outcome: 'ambiguous' });
  expect(await db.ledger.getProviderVideo(id)).toMatchObject({ videoId: null });
});

it('an attempt that may have arrived is logged once, with its generation and why, and nothing else', async () => {
  const { id } = await held();
  const lost = { outcome: 'ambiguous', why: 'connection reset' } as const;
  const fields = { generationId: id, attempt: 1, why: 'connection reset' };
  expect((await create(id, lost)).logged).toEqual([[fields, 'a create may have arrived; its video is searched for']]);
  expect((await create(id, lost)).logged).toEqual([]);
});
