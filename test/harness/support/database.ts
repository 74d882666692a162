import { createHash, randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { accountId, apiKeyId, videoId } from '../../../contracts/ids.ts';
import type { Ledger } from '../../../ledger/index.ts';
import type { Database, Pool, Store } from '../../../store/index.ts';
import { createLedger } from '../../../ledger/index.ts';
import { createPool, createStore, openDatabase } from '../../../store/index.ts';
import { SEARCH_PATH } from '../../../migrations/runner.ts';
import { TEMPLATE, WITH_SEARCH_PATH } from './template.ts';

/** The operations of ledger and store on one database, for tests. */
export type Books = Ledger & Store;

export function openBooks(database: Database): Books {
  return { ...createLedger(database), ...createStore(database) };
}

export interface TestDatabase {
  /** As the service's role, the way the product connects. */
  readonly pool: Pool;
  readonly database: Database;
  readonly ledger: Books;
  readonly url: string;
  /** Connections of the superuser, to inspect or to break things. */
  readonly admin: pg.Pool;
  /** Another pool of the service's role, ended with the database. */
  readonly openPool: () => Pool;
  readonly drop: () => Promise<void>;
}

/** A database of its own for each test file, cloned from the migrated template. */
export async function createTestDatabase(poolSize = 20): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const { superuser, service } = inject('postgres');
  const at = (url: string, database: string) => url.replace(/DATABASE$/, database);
  await once(at(superuser, 'postgres'), `CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
  // A cloned database lacks the settings of roles.
  await once(
    at(superuser, 'postgres'),
    `ALTER ROLE holdfast_service IN DATABASE ${name} SET search_path = ${SEARCH_PATH}`,
  );
  const url = at(service, name);
  const pools: Pool[] = [];
  const openPool = () => {
    const opened = createPool({ databaseUrl: url, size: poolSize, applicationName: 'test', onError: () => undefined });
    pools.push(opened);
    return opened;
  };
  const pool = openPool();
  const admin = new pg.Pool({ connectionString: at(superuser, name), options: WITH_SEARCH_PATH, max: 4 });
  admin.on('error', () => undefined);
  const drop = async () => {
    await Promise.all([...pools, admin].map((each) => each.end()));
    await once(at(superuser, 'postgres'), `DROP DATABASE ${name} WITH (FORCE)`);
  };
  const database = openDatabase(pool);
  return { pool, database, ledger: openBooks(database), url, admin, openPool, drop };
}

async function once(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

export interface Tenant {
  readonly accountId: string;
  readonly apiKeyId: string;
}

type NewKey = Parameters<Store['addApiKey']>[0];

/** A new account with a key of these settings and these credits. */
export async function openTenant(
  { ledger }: Pick<TestDatabase, 'ledger'>,
  amountMicrocredits: number,
  settings: Partial<NewKey> = {},
): Promise<Tenant> {
  const account = { id: accountId(randomUUID()) };
  await ledger.openAccount(account.id, 'a tenant');
  const { apiKeyId } = await addKey({ ledger }, account.id, settings);
  if (amountMicrocredits > 0) {
    await ledger.grantCredits({ accountId: account.id, amountMicrocredits, reason: 'test', idempotencyKey: 'first' });
  }
  return { accountId: account.id, apiKeyId };
}

/** One more key of an account. */
export async function addKey(
  { ledger }: Pick<TestDatabase, 'ledger'>,
  accountId: string,
  settings: Partial<NewKey> = {},
): Promise<Tenant> {
  const id = apiKeyId(randomUUID());
  const sha256 = Buffer.from(randomUUID().replaceAll('-', ''));
  await ledger.addApiKey({ id, accountId, name: 'key', sha256, ...settings });
  return { accountId, apiKeyId: id };
}

/** The price of the generation that `admit` asks for. */
export const PRICE = 571_429;

type AdmissionRequest = Parameters<Ledger['admitGeneration']>[0];

/** A request for 4 s of sora-2, with these changes. Equal prompts have equal fingerprints. */
export function admissionRequest(
  tenant: Tenant,
  changes: Partial<AdmissionRequest> = {},
  prompt = 'a red fox',
): AdmissionRequest {
  return {
    ...tenant,
    generationId: videoId(randomUUID()),
    model: 'sora-2',
    seconds: 4,
    size: '720x1280',
    prompt,
    admitWithinMs: 60_000,
    fingerprint: createHash('sha256').update(prompt).digest(),
    idempotencyKey: null,
    ...changes,
  };
}

/** Admits such a request; returns the generation's id. */
export async function admit(
  { ledger }: Pick<TestDatabase, 'ledger'>,
  tenant: Tenant,
  prompt = 'a red fox',
): Promise<string> {
  const request = admissionRequest(tenant, {}, prompt);
  await ledger.admitGeneration(request);
  return request.generationId;
}
