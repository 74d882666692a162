import { setTimeout as delay } from 'node:timers/promises';
import type { Clients, Tenant } from './clients.ts';
import { call, isDefinite } from './http.ts';
import type { Place } from './http.ts';
import type { Random } from './random.ts';
import type { PlannedTenant } from './requests.ts';
import { MODELS, SIZE, SOLD } from './sold.ts';

/** The operator's side: what is sold, accounts, keys and grants, by the admin API. */

interface Office extends Place {
  readonly adminKey: string;
}

/** Opens the accounts, with the credits they begin with; everything is well yet. */
export async function openTenants(
  office: Office & Clients,
  random: Random,
  plan: readonly PlannedTenant[],
): Promise<Tenant[]> {
  const post = async (path: string, body: object): Promise<Record<string, unknown>> => {
    const answer = await post200(office, random, path, body);
    return answer as Record<string, unknown>;
  };
  const tenants: Tenant[] = [];
  for (const { name, granted } of plan) {
    const { id } = await post('/admin/accounts', { name });
    const { key } = await post(`/admin/accounts/${String(id)}/keys`, { name: 'chaos' });
    const tenant: Tenant = { name, accountId: String(id), key: String(key), granted: 0 };
    await grant(office, random, tenant, granted, 'first');
    tenants.push(tenant);
  }
  return tenants;
}

/** Sets what is sold, apart from what the migrations bring. */
export async function openSales(office: Office & Clients, random: Random): Promise<void> {
  for (const model of MODELS) {
    const { provider, providerModel, costPerSecond, marginBasisPoints } = SOLD[model];
    if (provider === null) continue;
    const price = { cost_per_second_microcredits: costPerSecond, margin_basis_points: marginBasisPoints };
    const key = { 'idempotency-key': model };
    await post200(office, random, '/admin/prices', { model, size: SIZE, ...price }, key);
    await post200(office, random, '/admin/offers', { model, provider, provider_model: providerModel }, key);
  }
}

/** Tries with one key until it is definite, so that it counts once; raises unless it is granted. */
export async function grant(
  office: Office & Clients,
  random: Random,
  tenant: Tenant,
  amount: number,
  key: string,
): Promise<void> {
  const body = { amount_microcredits: amount, reason: 'chaos' };
  await post200(office, random, `/admin/accounts/${tenant.accountId}/grants`, body, { 'idempotency-key': key });
  tenant.granted += amount;
}

async function post200(
  office: Office & Clients,
  random: Random,
  path: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<unknown> {
  for (;;) {
    const answer = await call(office, random, {
      method: 'POST',
      path,
      key: office.adminKey,
      headers,
      body: () => JSON.stringify(body),
      patience_ms: 10_000,
    });
    if (answer.status === 200) return answer.body;
    if (isDefinite(answer) || office.over.aborted)
      throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    await delay(300);
  }
}
