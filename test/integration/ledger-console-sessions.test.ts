import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestDatabase } from '../harness/support/database.ts';
import { createTestDatabase, openTenant } from '../harness/support/database.ts';

/** Sessions of the console, and links that open one, as the database keeps them. */

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(async () => {
  await db.drop();
});

const HOUR = { lifetimeSeconds: 3600 };
const OVER = { lifetimeSeconds: 0 };

async function tenantsKey(): Promise<string> {
  return (await openTenant(db, 0)).apiKeyId;
}

async function opened(apiKeyId: string | null, kind: 'session' | 'link' = 'session', { lifetimeSeconds } = HOUR) {
  const tokenHash = randomBytes(32);
  await db.ledger.openConsoleSession({ tokenHash, kind, apiKeyId, lifetimeSeconds });
  return tokenHash;
}

const isOpen = async (tokenHash: Buffer) => (await db.ledger.findConsoleCaller(tokenHash)).standing;

async function count(apiKeyId: string): Promise<number> {
  const sql = 'SELECT count(*)::int AS n FROM console_sessions WHERE api_key_id = $1';
  return (await db.admin.query<{ n: number }>(sql, [apiKeyId])).rows[0]!.n;
}

describe('a session', () => {
  it('is found until its time is over, and deleted when the next one is opened, of whatever key', async () => {
    const [key, other] = [await tenantsKey(), await tenantsKey()];
    const [lasting, over] = [await opened(key), await opened(key, 'session', OVER)];
    expect([await isOpen(lasting), await isOpen(over)]).toEqual(['valid', 'unknown']);
    await opened(other);
    expect(await count(key)).toBe(1);
  });

  it('is one of twenty of its key: the oldest makes room, and those of another key do not', async () => {
    const [key, other] = [await tenantsKey(), await tenantsKey()];
    const others = await opened(other);
    const first = await opened(key);
    const second = await opened(key);
    for (let n = 0; n < 19; n += 1) await opened(key);
    expect([await isOpen(first), await isOpen(second), await isOpen(others)]).toEqual(['unknown', 'valid', 'valid']);
    expect(await count(key)).toBe(20);
  });

  it('is one of twenty when many are opened at once', async () => {
    const key = await tenantsKey();
    await Promise.all(Array.from({ length: 40 }, () => opened(key)));
    expect(await count(key)).toBe(20);
  });

  it('of an operator is none of an account', async () => {
    const [operators, accounts] = [await opened(null), await opened(await tenantsKey())];
    expect([await isOpen(operators), await db.ledger.isOperatorsSession(operators)]).toEqual(['unknown', true]);
    expect(await db.ledger.isOperatorsSession(accounts)).toBe(false);
  });

  it('that is closed is gone', async () => {
    const session = await opened(await tenantsKey());
    await db.ledger.closeConsoleSession(session);
    expect(await isOpen(session)).toBe('unknown');
  });
});

describe('a link', () => {
  const redeem = async (linkHash: Buffer) => {
    const sessionHash = randomBytes(32);
    const redeemed = await db.ledger.redeemConsoleLink({ linkHash, sessionHash, ...HOUR });
    expect(await isOpen(sessionHash)).toBe(redeemed ? 'valid' : 'unknown');
    return redeemed;
  };

  it('opens one session, also when many use it at once', async () => {
    const link = await opened(await tenantsKey(), 'link');
    const uses = await Promise.all(Array.from({ length: 8 }, () => redeem(link)));
    expect(uses.filter(Boolean)).toHaveLength(1);
    expect(await redeem(link)).toBe(false);
  });

  it('opens none when its time is over, and is no session itself', async () => {
    const key = await tenantsKey();
    const [lasting, over] = [await opened(key, 'link'), await opened(key, 'link', OVER)];
    expect([await isOpen(lasting), await redeem(over)]).toEqual(['unknown', false]);
  });

  it('is not a session: that opens no further ones', async () => {
    const session = await opened(await tenantsKey());
    expect([await redeem(session), await isOpen(session)]).toEqual([false, 'valid']);
  });
});
