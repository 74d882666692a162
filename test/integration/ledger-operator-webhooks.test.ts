import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { webhookEndpointId } from '../../contracts/ids.ts';
import { OPERATOR, WEBHOOK_EVENTS } from '../../contracts/webhooks.ts';
import type { TestDatabase, Tenant } from '../harness/support/database.ts';
import { admit, createTestDatabase, openTenant, PRICE } from '../harness/support/database.ts';

/** What the database notes for the operator's endpoints, which hear of every account. */

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase(12);
});
afterAll(async () => {
  await db.drop();
});

async function listen(owner: string): Promise<string> {
  const id = webhookEndpointId(randomUUID());
  const secret = `whsec_${Buffer.from(randomUUID()).toString('base64')}`;
  const endpoint = { owner, id, url: 'https://receiver.test/hook', events: WEBHOOK_EVENTS, secret };
  expect(await db.ledger.createWebhookEndpoint(endpoint)).toMatchObject({ outcome: 'created' });
  return id;
}

async function settle(tenant: Tenant): Promise<string> {
  const id = await admit(db, tenant, `a fox ${randomUUID()}`);
  await db.ledger.placeHold(id, 3600);
  await db.ledger.requestCancel(id, 'client');
  expect(await db.ledger.settleGeneration(id, 'cancelled')).toMatchObject({ result: 'settled' });
  return id;
}

const deliveryOf = (owner: string, endpointId: string, video: string) => ({
  owner,
  endpointId,
  eventId: `evt_${video.slice('video_'.length)}`,
});

describe("an operator's endpoint", () => {
  let [tenant, other]: Tenant[] = [];
  let endpointId: string;
  beforeAll(async () => {
    [tenant, other] = [await openTenant(db, 100 * PRICE), await openTenant(db, 100 * PRICE)];
    endpointId = await listen(OPERATOR);
  });

  it('is noted for the settlements of every account, with the account, beside the account’s own', async () => {
    const own = await listen(tenant!.accountId);
    const [first, second] = [await settle(tenant!), await settle(other!)];
    const { accountId } = tenant!;
    const told = [
      { ...deliveryOf(accountId, own, first), accountId, tries: 0 },
      { ...deliveryOf(OPERATOR, endpointId, first), accountId, tries: 0 },
    ];
    const noted = await db.ledger.listWebhooks(first);
    expect(noted).toHaveLength(2);
    expect(noted).toEqual(expect.arrayContaining(told));
    expect(await db.ledger.listWebhooks(second)).toEqual([
      { ...deliveryOf(OPERATOR, endpointId, second), accountId: other!.accountId, tries: 0 },
    ]);
    expect(await db.ledger.getWebhookToSend(deliveryOf(OPERATOR, endpointId, second))).toMatchObject({
      generationId: second,
      accountId: other!.accountId,
    });
  });

  it('is no row that the settlements of all accounts meet at', async () => {
    const lockedBy = async () =>
      (await db.admin.query('SELECT xmax::text FROM webhook_endpoints WHERE id = $1', [endpointId])).rows;
    const before = await lockedBy();
    await settle(tenant!);
    expect(await lockedBy()).toEqual(before);
  });

  it('is had, changed and sent to by no account', async () => {
    const { accountId } = tenant!;
    const { ledger } = db;
    const delivery = deliveryOf(accountId, endpointId, await settle(tenant!));
    expect(await ledger.getWebhookEndpoint(accountId, endpointId)).toBeUndefined();
    expect(await ledger.deleteWebhookEndpoint(accountId, endpointId)).toBe(false);
    expect(await ledger.getWebhookToSend(delivery)).toBeUndefined();
    expect(await ledger.redeliverWebhook(delivery)).toMatchObject({ outcome: 'unknown' });
    expect(await ledger.listWebhookDeliveries(delivery, null, 10)).toEqual([]);
    expect(await ledger.listWebhookEndpoints(OPERATOR)).toMatchObject([{ id: endpointId }]);
  });

  it('is the only kind that is told of another account', async () => {
    const own = await listen(tenant!.accountId);
    const video = await settle(tenant!);
    const wrong = db.admin.query('UPDATE webhook_deliveries SET account_id = $1 WHERE endpoint_id = $2', [
      other!.accountId,
      own,
    ]);
    await expect(wrong).rejects.toMatchObject({ constraint: 'webhook_deliveries_own_events' });
    expect(await db.ledger.listWebhooks(video)).toHaveLength(3);
  });

  it('waits its turn among the owners that are overdue, and in it every account has its turn', async () => {
    await db.admin.query("UPDATE webhook_deliveries SET state = 'delivered', next_attempt_at = NULL");
    for (let n = 0; n < 5; n += 1) await settle(tenant!);
    await settle(other!);
    await db.admin.query(
      "UPDATE webhook_deliveries SET next_attempt_at = now() - interval '61 seconds' WHERE state = 'pending'",
    );
    // Two owners, the operator and the tenant with two endpoints, have two turns each.
    const overdue = await db.ledger.listOverdueWebhooks(randomUUID(), 4);
    const turns = (owner: string) => overdue.filter((each) => each.owner === owner).map(({ accountId }) => accountId);
    expect(turns(tenant!.accountId)).toHaveLength(2);
    expect(turns(OPERATOR).toSorted()).toEqual([tenant!.accountId, other!.accountId].toSorted());
  });
});
