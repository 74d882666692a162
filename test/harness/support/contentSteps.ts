import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect } from 'vitest';
import type { Content } from '../../../store/index.ts';
import { LedgerError } from '../../../store/index.ts';
import type { TestDatabase, Tenant } from './database.ts';
import { admit, createTestDatabase, openTenant, PRICE } from './database.ts';

export const PROVIDER = { identity: 'openai@http://provider' };
export const GONE: Content = { state: 'gone' };
export const ALL = { from: 0, to: 11_138, total: 11_138 };

export function archived(bytes = 11_138): Content {
  return { state: 'archived', bytes, sha256: randomBytes(32), contentType: 'video/mp4', location: 'video_00/video' };
}

/** What the tests of contents do to a generation, in a database of their own file. */
export function contentSteps() {
  const site = {} as { db: TestDatabase; tenant: Tenant };
  beforeAll(async () => {
    site.db = await createTestDatabase();
    site.tenant = await openTenant(site.db, 100 * PRICE);
  });
  afterAll(async () => {
    expect((await site.db.pool.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
    await site.db.drop();
  });

  /** A held generation with a video, of which this was seen. */
  async function held(verdict: 'open' | 'completed' | 'failed' = 'completed'): Promise<string> {
    const id = await admit(site.db, site.tenant);
    await site.db.ledger.placeHold(id, 3600);
    await site.db.ledger.beginAttempt(id, [PROVIDER]);
    const video = randomUUID();
    await site.db.ledger.endAttempt(id, 1, { outcome: 'created', providerVideoId: video, providerCreatedAt: null });
    const error =
      verdict === 'failed' ? { errorCode: 'no', errorMessage: 'No.' } : { errorCode: null, errorMessage: null };
    await site.db.ledger.recordLook(id, video, {
      verdict,
      status: verdict,
      progress: null,
      completedAt: null,
      ...error,
    });
    return id;
  }

  async function charged(): Promise<string> {
    const id = await held();
    await site.db.ledger.settleGeneration(id, 'completed');
    return id;
  }

  /** As if it had been seen completed so long ago. */
  async function age(id: string, interval: string): Promise<void> {
    const earlier = 'UPDATE generations SET last_look_at = last_look_at - $2::interval WHERE id = $1';
    await site.db.admin.query(earlier, [id, interval]);
  }

  async function eventsOf(id: string): Promise<[string, unknown][]> {
    const { rows } = await site.db.pool.query<{ kind: string; data: unknown }>(
      `SELECT kind, data FROM generation_events WHERE generation_id = $1 AND kind IN ('archived', 'content_gone')`,
      [id],
    );
    return rows.map(({ kind, data }) => [kind, data]);
  }

  async function waiting(): Promise<number> {
    const { rowCount } = await site.db.admin.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return rowCount ?? 0;
  }

  const record = (id: string, content: Content, variant: 'video' | 'thumbnail' = 'video') =>
    site.db.ledger.recordContent(id, variant, content);
  const get = (id: string, accountId = site.tenant.accountId) => site.db.ledger.getContent(accountId, id, 'video');
  const refusal = async (id: string, content: Content) =>
    record(id, content).then(
      () => 'recorded',
      (error: unknown) => (error instanceof LedgerError ? error.code : error),
    );

  return { site, held, charged, age, eventsOf, waiting, record, get, refusal };
}
