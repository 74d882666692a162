import { expect } from 'vitest';
import type { ReleaseReason } from '../../../contracts/states.ts';
import type { Adoption } from '../../../store/index.ts';
import type { TestDatabase, Tenant } from './database.ts';
import { PRICE, admit, openTenant } from './database.ts';

export interface Held {
  readonly tenant: Tenant;
  readonly id: string;
}
export const PROVIDER = { identity: 'openai@http://provider' };
export const FINISHED = {
  verdict: 'completed',
  status: 'completed',
  progress: 100,
  completedAt: null,
  errorCode: null,
  errorMessage: null,
} as const;
export const OPEN = { ...FINISHED, verdict: 'open', status: 'in_progress', progress: 10 } as const;
export const BLOCKED = {
  ...FINISHED,
  verdict: 'failed',
  status: 'failed',
  errorCode: 'moderation_blocked',
  errorMessage: 'Blocked.',
} as const;

/** Adopts this video, which equals the request; returns the outcome. */
export async function adoptOne(
  db: TestDatabase,
  id: string,
  number: number,
  video: { id: string; createdAt: Date | null },
): Promise<Adoption['outcome']> {
  return (await db.ledger.adoptVideo(id, number, { videos: [video], exact: true })).outcome;
}

/** Brings generations to the state in which a test begins, and reads them from the ledger. */
export function ledgerSteps(db: () => TestDatabase) {
  const held = async (): Promise<Held> => {
    const tenant = await openTenant(db(), PRICE);
    const id = await admit(db(), tenant);
    await db().ledger.placeHold(id, 3600);
    return { tenant, id };
  };
  let videos = 0;
  const created = async (): Promise<Held & { video: string }> => {
    const hold = await held();
    const video = `provider_${++videos}`;
    await begin(hold.id);
    await db().ledger.endAttempt(hold.id, 1, { outcome: 'created', providerVideoId: video, providerCreatedAt: null });
    return { ...hold, video };
  };
  const seen = async (look: typeof FINISHED | typeof BLOCKED | typeof OPEN) => {
    const hold = await created();
    await db().ledger.recordLook(hold.id, hold.video, look);
    return hold;
  };
  const begin = (id: string) => db().ledger.beginAttempt(id, [PROVIDER]);
  const settle = (id: string, reason: ReleaseReason | 'completed') => db().ledger.settleGeneration(id, reason);
  const refuse = (id: string) =>
    db().ledger.endAttempt(id, 1, { outcome: 'refused', code: 'invalid_request', message: 'No.' });
  const notMade = (id: string) =>
    db().ledger.endAttempt(id, 1, { outcome: 'not_made', code: 'not_made', message: 'HTTP 429' });
  /** Moves the hold past its end. No role may do this, so the triggers are disabled meanwhile. */
  const outlive = async (id: string) => {
    const client = await db().admin.connect();
    try {
      await client.query('BEGIN; SET LOCAL session_replication_role = replica');
      await client.query(
        "UPDATE holds SET placed_at = now() - interval '2 hours', expires_at = now() - interval '1 s' WHERE generation_id = $1",
        [id],
      );
      await client.query('COMMIT');
    } finally {
      client.release();
    }
  };
  const balance = async ({ tenant }: Held) => {
    const { availableMicrocredits, heldMicrocredits } = await db().ledger.getBalance(tenant.accountId);
    return { available: availableMicrocredits, held: heldMicrocredits };
  };
  const noProof = (id: string, reasons: (ReleaseReason | 'completed')[]) =>
    Promise.all(
      reasons.map((reason) => expect(settle(id, reason), reason).rejects.toMatchObject({ code: 'no_proof' })),
    );
  return { held, created, seen, begin, settle, refuse, notMade, outlive, balance, noProof };
}
