import { createHash, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { accountId, apiKeyId, videoId } from '../../contracts/ids.ts';
import type { Tenant } from './database.ts';

/** Whether a migration is one of the first six: before them there was no ledger, after them it was another one. */
export const isFirst = (name: string) => /^000[1-6]_/.test(name);

/** The first version's functions, called in SQL as its code called them: what they are called now is another matter. */
export function firstLedger(service: pg.Pool) {
  const one = async <Row extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<Row> =>
    (await service.query<Row>(text, values)).rows[0] as Row;

  const openTenant = async (name: string): Promise<Tenant> => {
    const tenant = { accountId: accountId(randomUUID()), apiKeyId: apiKeyId(randomUUID()) };
    await service.query('INSERT INTO accounts (id, name) VALUES ($1, $2)', [tenant.accountId, name]);
    await service.query(
      `INSERT INTO api_keys (id, account_id, name, key_sha256) VALUES ($1, $2, $3, sha256(convert_to($1, 'UTF8')))`,
      [tenant.apiKeyId, tenant.accountId, name],
    );
    return tenant;
  };
  const grant = ({ accountId }: Tenant, amount: number, reason: string | null, key: string) =>
    one<FirstGrant>('SELECT * FROM grant_credits($1, $2, $3, $4)', [accountId, amount, reason, key]);
  const admit = async (tenant: Tenant, key: string | null = null, seconds = 4): Promise<Admitted> => {
    const id = videoId(randomUUID());
    const { outcome } = await one<{ outcome: string }>(
      `SELECT * FROM admit_generation($1, $2, $3, 'sora-2', $4, '720x1280', $1, NULL, NULL, NULL, 600000, $5, $6)`,
      [id, tenant.accountId, tenant.apiKeyId, seconds, fingerprintOf(key), key],
    );
    return { id, outcome };
  };
  const place = async (id: string) =>
    (await one<{ state: string }>('SELECT state FROM place_hold($1, 3600)', [id])).state;
  const held = async (tenant: Tenant, key: string | null = null): Promise<string> => {
    const { id } = await admit(tenant, key);
    await place(id);
    return id;
  };
  const begin = (id: string) => service.query(`SELECT begin_create($1, 'http://provider', 'default', 0)`, [id]);
  const end = (id: string, outcome: 'created' | 'refused') =>
    service.query('SELECT end_create($1, 1, $2, $3, NULL, $4, NULL)', [
      id,
      outcome,
      outcome === 'created' ? videoOf(id) : null,
      outcome === 'refused' ? 'invalid_request' : null,
    ]);
  const created = async (tenant: Tenant, key: string | null = null): Promise<string> => {
    const id = await held(tenant, key);
    await begin(id);
    await end(id, 'created');
    return id;
  };
  const seen = async (tenant: Tenant, verdict: 'completed' | 'failed', key: string | null = null): Promise<string> => {
    const id = await created(tenant, key);
    await service.query('SELECT record_look($1, $2, $3, $3, 100, NULL, $4, NULL)', [
      id,
      videoOf(id),
      verdict,
      verdict === 'failed' ? 'moderation_blocked' : null,
    ]);
    return id;
  };
  const settle = (id: string, reason: string) => service.query('SELECT settle_generation($1, $2)', [id, reason]);
  const cancel = (id: string) => service.query(`SELECT request_cancel($1, 'client')`, [id]);
  return { openTenant, grant, admit, place, held, begin, end, created, seen, settle, cancel };
}

export interface FirstGrant {
  readonly outcome: string;
  readonly transaction_id: string;
  readonly moved_microcredits: string;
}
interface Admitted {
  readonly id: string;
  readonly outcome: string;
}

export const videoOf = (id: string) => `provider_${id}`;
export const fingerprintOf = (key: string | null) => createHash('sha256').update(`${key}`).digest();

/** Something of everything that there was, on accounts whose movements come in turns. */
export async function fillFirstLedger(service: pg.Pool, admin: pg.Pool) {
  const first = firstLedger(service);
  const busy = await first.openTenant('busy');
  const other = await first.openTenant('other');
  const frozen = await first.openTenant('frozen');
  const grants = [];
  for (const [tenant, amount, reason, key] of [
    [busy, 9_000_000, 'a start', 'first'],
    [other, 4_000_000, 'a start', 'first'],
    [busy, -1_500_000, null, 'acct:1:with colons'],
    [frozen, 1_000_000, 'a start', 'first'],
    [other, 1, 'a single microcredit', ' '],
  ] as const) {
    grants.push({ tenant, amount, reason, key, answer: await first.grant(tenant, amount, reason, key) });
  }

  const generations = {
    requested: (await first.admit(busy, 'in flight')).id,
    held: await first.held(busy, 'held'),
    heldByOther: await first.held(other),
    mayHaveArrived: await first.held(busy),
    withVideo: await first.created(other),
    completed: await first.seen(busy, 'completed'),
    completedForPart: await first.seen(busy, 'completed'),
    failed: await first.seen(other, 'failed'),
    charged: await first.seen(busy, 'completed', 'charged'),
    chargedOfOther: await first.seen(other, 'completed'),
    blocked: await first.seen(busy, 'failed'),
    createRefused: await first.held(other),
    cancelled: await first.held(busy),
    expired: await first.held(busy),
    refused: (await first.admit(frozen)).id,
    voided: (await first.admit(other)).id,
  };
  await first.begin(generations.mayHaveArrived);
  await first.settle(generations.charged, 'completed');
  await service.query(`SELECT keep_answer($1, 'charged', 200, '{"id": "as it was"}')`, [busy.accountId]);
  await first.settle(generations.chargedOfOther, 'completed');
  await service.query('SELECT delete_generation($1, $2)', [generations.chargedOfOther, other.accountId]);
  await first.settle(generations.blocked, 'provider_failed');
  await first.begin(generations.createRefused);
  await first.end(generations.createRefused, 'refused');
  await first.settle(generations.createRefused, 'create_refused');
  await first.cancel(generations.cancelled);
  await first.settle(generations.cancelled, 'cancelled');
  // Its create may have arrived, so that it counts against the cap also after its release.
  await first.begin(generations.expired);
  await outlive(admin, generations.expired);
  await first.settle(generations.expired, 'expired');
  await admin.query('UPDATE accounts SET frozen_at = now() WHERE id = $1', [frozen.accountId]);
  await first.place(generations.refused);
  await service.query('SELECT void_generation($1)', [generations.voided]);
  // More than there is: what is available is moved, and then there is nothing to pay with.
  const late = { tenant: other, amount: -50_000_000, reason: 'all of it', key: 'last' };
  grants.push({ ...late, answer: await first.grant(other, late.amount, late.reason, late.key) });
  await first.admit(other, 'without credits');
  return { busy, other, frozen, grants, generations };
}

/** Past its hour, which no role can bring about. */
async function outlive(admin: pg.Pool, id: string): Promise<void> {
  const client = await admin.connect();
  try {
    await client.query('BEGIN; SET LOCAL session_replication_role = replica');
    await client.query(
      `UPDATE holds SET placed_at = now() - interval '2 hours', expires_at = now() - interval '1 s' WHERE generation_id = $1`,
      [id],
    );
    await client.query('COMMIT');
  } finally {
    client.release();
  }
}
