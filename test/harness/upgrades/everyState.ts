import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { textId, webhookEndpointId } from '../../../contracts/ids.ts';
import type { Tenant, TestDatabase } from '../support/database.ts';
import { admissionRequest, addKey, admit, openBooks, openTenant, PRICE } from '../support/database.ts';
import { once } from '../../../store/index.ts';
import type { Held } from '../support/ledgerSteps.ts';
import { BLOCKED, FINISHED, ledgerSteps, OPEN, PROVIDER } from '../support/ledgerSteps.ts';

type Steps = ReturnType<typeof ledgerSteps>;

/** Brings generations into every state, and writes at least one row into every table. */
export async function fillWithEveryState(db: TestDatabase): Promise<void> {
  // One for all: it counts the videos.
  const steps = ledgerSteps(() => db);
  await operate(db);
  await openGenerations(db, steps);
  const charged = await settledGenerations(db, steps);
  await lateGenerations(db, steps);
  await texts(db, steps);
  await afterwards(db, steps, charged);
  await db.ledger.compareNextAccounts(3);
}

const fingerprint = () => createHash('sha256').update(randomUUID()).digest();

async function operate(db: TestDatabase): Promise<void> {
  const { ledger } = db;
  const { accountId } = await openTenant(db, 5 * PRICE);
  const named = (idempotencyKey: string) => ({ accountId, reason: 'an upgrade', idempotencyKey });
  await ledger.grantCredits({ ...named('claw back'), amountMicrocredits: -PRICE });
  await ledger.setAccountFrozen({ ...named('freeze'), frozen: true });
  await ledger.setAccountFrozen({ ...named('unfreeze'), frozen: false });
  await ledger.setSales({ open: false, reason: 'an upgrade', idempotencyKey: 'close' });
  await ledger.setSales({ open: true, reason: 'an upgrade', idempotencyKey: 'open' });
  const version = { marginBasisPoints: 3000, effectiveFrom: null, idempotencyKey: 'price' };
  await ledger.setPrice({ ...version, model: 'a-model', size: '720x1280', costPerSecondMicrocredits: 50_000 });
  const text = { model: 'a-text-model', inputCostMicrocredits: 100_000, outputCostMicrocredits: 400_000 };
  await ledger.setTextPrice({ ...version, ...text });
  await once(db.database, { scope: 'admin', key: 'an account', fingerprint: fingerprint() }, (inside) =>
    openTenant({ ledger: openBooks(inside) }, 0),
  );
}

async function openGenerations(db: TestDatabase, steps: Steps): Promise<void> {
  const { held, created, seen, begin } = steps;
  const poor = await openTenant(db, 1);
  await db.ledger.admitGeneration({ ...request(poor), idempotencyKey: 'refused for lack of credits' });
  const limited = await openTenant(db, 2 * PRICE, { dailyLimitMicrocredits: PRICE });
  await db.ledger.placeHold(await admit(db, limited), 3600);
  // Refused by the limit of its key.
  await admit(db, limited);
  const tenant = await openTenant(db, 3 * PRICE);
  // Requested, with labels, and voided.
  const labels = { user: 'user 1', metadata: { project: 'kites' } };
  await db.ledger.admitGeneration({ ...request(tenant), labels });
  await db.ledger.voidGeneration(await admit(db, tenant));
  await held();
  const ambiguous = await held();
  await begin(ambiguous.id);
  await db.ledger.noteAmbiguousAttempt(ambiguous.id, 1, 'a time-out');
  const watched = await seen(OPEN);
  await db.ledger.recordProviderEvent(PROVIDER.identity, {
    webhookId: 'a webhook',
    type: 'video.completed',
    providerVideoId: watched.video,
  });
  await db.ledger.noteOwnerlessVideos(PROVIDER.identity, ['nobody knows whose']);
  await db.ledger.recordCurrentBuild('a build');
  await db.ledger.keepSweep(PROVIDER.identity, 'a sweeper', 60_000, { shown: 10, missed: 0 });
  await db.ledger.recordProbe('a worker', { ...PROVIDER, isDefault: true }, null);
  // A burst of one: the second call waits.
  for (const waiter of ['a look', 'another look']) {
    await db.ledger.takeTurn({ provider: PROVIDER.identity, requestsPerMinute: 10, urgency: 'look', waiter });
  }
  const cancelled = await created();
  await db.ledger.requestCancel(cancelled.id, 'client');
  // Completed, and not settled yet.
  await seen(FINISHED);
}

/** Returns a charged one that was not changed afterwards. */
async function settledGenerations(db: TestDatabase, steps: Steps): Promise<Held> {
  const { held, created, seen, begin, settle, refuse, outlive } = steps;
  const failed = await seen(BLOCKED);
  await settle(failed.id, 'provider_failed');
  const refused = await held();
  await begin(refused.id);
  await refuse(refused.id);
  await settle(refused.id, 'submission_refused');
  // Released at its hold's end while the video goes on, so it is followed.
  const expired = await created();
  await outlive(expired.id);
  await settle(expired.id, 'expired');
  const part = await seen(FINISHED);
  await db.ledger.settleGeneration(part.id, 'completed', { chargeMicrocredits: 1000 });
  const charged = await seen(FINISHED);
  await settle(charged.id, 'completed');
  return charged;
}

async function lateGenerations(db: TestDatabase, steps: Steps): Promise<void> {
  const { created, settle, outlive } = steps;
  const late = async () => {
    const hold = await created();
    await outlive(hold.id);
    await settle(hold.id, 'expired');
    await db.ledger.recordLook(hold.id, hold.video, FINISHED);
    return hold;
  };
  await late();
  const { id: claimOf, tenant } = await late();
  const { generationId, ...claim } = { ...request(tenant), claimOf };
  await db.ledger.claimGeneration({ ...claim, generationId });
  await db.ledger.placeHold(generationId, 3600);
  await db.ledger.recordContent(generationId, 'video', archived());
  await settle(generationId, 'completed');
}

async function texts(db: TestDatabase, steps: Steps): Promise<void> {
  const { begin, settle } = steps;
  const tenant = await openTenant(db, 10 * PRICE);
  const begun = async (kind: 'script' | 'thread') => {
    const generationId = textId(kind, randomUUID());
    const model = 'gpt-4.1-mini';
    const asked = {
      kind,
      model,
      topic: 'a red fox',
      tone: 'friendly',
      ...(kind === 'script' ? { length: 'short' } : { posts: 3 }),
    };
    const text = { model, request: asked, inputBoundTokens: 700, maxOutputTokens: 1000 };
    await db.ledger.admitText({ ...request(tenant), ...text, generationId });
    await db.ledger.placeHold(generationId, 3600);
    await begin(generationId);
    await db.ledger.recordText(generationId, 1, 'Once', 20_000);
    return generationId;
  };
  await begun('script');
  const written = await begun('thread');
  const usage = { inputTokens: 600, outputTokens: 3 };
  await db.ledger.endText(written, 1, { output: 'Once upon a time', finishReason: 'stop', usage });
  await settle(written, 'completed');
}

async function afterwards(db: TestDatabase, steps: Steps, { id, tenant }: Held): Promise<void> {
  const { held, begin, settle, seen } = steps;
  const { ledger } = db;
  await ledger.recordContentServed(id, { from: 0, to: 100, total: 11_138 });
  await ledger.recordContent(id, 'thumbnail', archived());
  const refund = { generationId: id, amountMicrocredits: 1000, reason: 'an upgrade', idempotencyKey: 'refund' };
  await ledger.refundGeneration(refund);
  const deleted = await seen(FINISHED);
  await settle(deleted.id, 'completed');
  await ledger.deleteGeneration(deleted.tenant.accountId, deleted.id);
  const endpoint = { owner: tenant.accountId, id: webhookEndpointId(randomUUID()), url: 'https://app.example/' };
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  await ledger.createWebhookEndpoint({ ...endpoint, events: ['video.completed', 'video.failed'], secret });
  // Its settlement records a delivery.
  await ledger.grantCredits({ ...tenant, amountMicrocredits: PRICE, reason: 'an upgrade', idempotencyKey: 'again' });
  const told = await admit(db, tenant);
  await ledger.placeHold(told, 3600);
  await begin(told);
  await ledger.endAttempt(told, 1, { outcome: 'refused', code: 'invalid_request', message: 'No.' });
  await settle(told, 'submission_refused');
  const { apiKeyId: key } = await addKey(db, (await held()).tenant.accountId, { scopes: ['credits:read'] });
  await ledger.leaseRequests({ key, requestsPerMinute: 60, wanted: 1 });
}

const archived = () => ({
  state: 'archived' as const,
  bytes: 11_138,
  sha256: randomBytes(32),
  contentType: 'video/mp4',
  location: 'video_00/video',
});

const request = (tenant: Tenant) => admissionRequest(tenant, { fingerprint: fingerprint() });
