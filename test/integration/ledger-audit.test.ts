import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toCsv } from '../../ledger/index.ts';
import type { Tenant, TestDatabase } from '../harness/support/database.ts';
import { admit, createTestDatabase, openTenant, PRICE } from '../harness/support/database.ts';
import { FINISHED, ledgerSteps } from '../harness/support/ledgerSteps.ts';

/** What an auditor runs: `npm run ledger:verify`, `npm run ledger:statement`. */

const root = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(async () => {
  await db.drop();
});

const { created, settle } = ledgerSteps(() => db);

/** The command as npm runs it; answers with its exit code and what it printed. */
const ledgerCommand = (...args: string[]) => ledgerCommandOn(db.url, ...args);

async function ledgerCommandOn(databaseUrl: string, ...args: string[]): Promise<{ code: number; output: string }> {
  const env = { PATH: process.env['PATH'] ?? '', HOLDFAST_ENV_FILE: '/dev/null', DATABASE_URL: databaseUrl };
  return run(process.execPath, ['dist/ledger/main.js', ...args], { cwd: root, env }).then(
    ({ stdout }) => ({ code: 0, output: stdout }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      output: error.stdout + error.stderr,
    }),
  );
}

/** Does what no role of the service can, while `look` looks, and undoes it. */
async function tampered<Result>(change: string, undo: string, look: () => Promise<Result>): Promise<Result> {
  const client = await db.admin.connect();
  try {
    await client.query(`SET session_replication_role = replica; ${change}`);
    try {
      return await look();
    } finally {
      await client.query(undo);
    }
  } finally {
    client.release(true);
  }
}

async function charged(): Promise<{ tenant: Tenant; id: string }> {
  const hold = await created();
  await db.ledger.recordLook(hold.id, hold.video, FINISHED);
  await settle(hold.id, 'completed');
  return hold;
}

describe('a database that cannot be read', () => {
  const changed = (change: (url: URL) => void) => {
    const url = new URL(db.url);
    change(url);
    return url.href;
  };

  it.each<[what: string, change: (url: URL) => void, said: RegExp]>([
    [
      'is away',
      (url) => (url.port = '1'),
      /PostgreSQL at 127\.0\.0\.1:1 \(DATABASE_URL\) refuses the connection \(ECONNREFUSED\)/,
    ],
    [
      'has another password',
      (url) => (url.password = 'wrong-one'),
      /refuses the password of holdfast_service: correct it/,
    ],
    ['has another name', (url) => (url.pathname = '/nothing'), /has no database "nothing": create it/],
    [
      'has no tables of ours',
      (url) => (url.pathname = '/postgres'),
      /has no tables of Holdfast: run "npm run migrate"/,
    ],
  ])('one that %s is one line that says what to do, never the password, and no verdict', async (_, change, said) => {
    const { code, output } = await ledgerCommandOn(changed(change), 'verify');
    expect(output).toMatch(/^Nothing was checked\. [^\n]*\n$/);
    expect(output).toMatch(said);
    expect(output).not.toContain('wrong-one');
    expect(code).toBe(3);
  });

  it('an option that does not exist is answered with how to use it', async () => {
    expect(await ledgerCommand('statement', 'acct_a', '--since', '2026-01-01')).toEqual({
      code: 2,
      output: expect.stringMatching(/^npm run ledger:statement -- [^\n]*\n$/),
    });
  });
});

describe('ledger:verify', () => {
  it('says that a ledger is right, last, and how much it read', async () => {
    await charged();
    const { code, output } = await ledgerCommand('verify');
    expect(output.trim().split('\n').at(-1)).toMatch(
      /^The ledger is right: \d+ journal transactions of \d+ accounts?\.$/,
    );
    expect(code).toBe(0);
  });

  it('names the first thing that differs, and fails', async () => {
    const { id, tenant } = await charged();
    const balance = await tampered(
      `UPDATE accounts SET available_microcredits = 5 WHERE id = '${tenant.accountId}'`,
      `UPDATE accounts SET available_microcredits = 0 WHERE id = '${tenant.accountId}'`,
      () => ledgerCommand('verify'),
    );
    expect(balance.code).toBe(1);
    expect(balance.output.trim().split('\n').at(-1)).toBe(
      `The ledger differs: available (account ${tenant.accountId}) is kept as 5, the journal says 0.`,
    );
    const amount = (sign: string) =>
      `UPDATE journal_transactions SET held_microcredits = held_microcredits ${sign} 1, revenue_microcredits = revenue_microcredits - (${sign} 1)
       WHERE key = '${id}:settle'`;
    const entry = await tampered(amount('+'), amount('-'), () => ledgerCommand('verify'));
    expect(entry.output).toMatch(
      /The ledger differs: what journal transaction \d+ left \(available, held\) .* is kept as 0, 0, the journal says 0, 1\./,
    );
  });
});

/** A whole millisecond that the database's clock has just passed, so that nothing lies on it. */
async function moment(): Promise<Date> {
  const now = async () => {
    const { rows } = await db.pool.query<{ ms: number }>(
      'SELECT ceil(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS ms',
    );
    return rows[0]?.ms ?? 0;
  };
  const next = (await now()) + 1;
  while ((await now()) <= next);
  return new Date(next);
}

const NO_LABELS = { user: null, metadata: {} };
const lineOf = (reason: string, labels: { user: string | null; metadata: Record<string, string> } = NO_LABELS) => ({
  kind: 'grant' as const,
  transactionId: 1,
  recordedAt: new Date(0),
  generationId: null,
  reason,
  availableMicrocredits: 1,
  heldMicrocredits: 0,
  availableAfterMicrocredits: 1,
  heldAfterMicrocredits: 0,
  chargedMicrocredits: 0,
  ...labels,
});

describe('a statement', () => {
  it('between two dates begins and ends with what was kept, and reconciles', async () => {
    const tenant = await openTenant(db, 3 * PRICE);
    const from = await moment();
    await db.ledger.placeHold(await admit(db, tenant), 3600);
    const kept = await admit(db, tenant, randomUUID());
    await db.ledger.placeHold(kept, 3600);
    await settle(kept, 'provider_unavailable');
    const to = await moment();
    const statement = await db.ledger.getStatement(tenant.accountId, from, to);
    expect(statement.opening).toEqual({ availableMicrocredits: 3 * PRICE, heldMicrocredits: 0 });
    expect(statement.closing).toEqual({ availableMicrocredits: 2 * PRICE, heldMicrocredits: PRICE });
    expect(statement.lines.map(({ kind, availableMicrocredits }) => [kind, availableMicrocredits])).toEqual([
      ['hold', -PRICE],
      ['hold', -PRICE],
      ['release', PRICE],
    ]);
    const before = await db.ledger.getStatement(tenant.accountId, new Date(0), from);
    expect(before.closing).toEqual(statement.opening);
  });

  it('that does not reconcile is not shown', async () => {
    const { id, tenant } = await charged();
    const amount = (sign: string) =>
      `UPDATE journal_transactions SET held_after_microcredits = held_after_microcredits ${sign} 1 WHERE key = '${id}:settle'`;
    await tampered(amount('+'), amount('-'), () =>
      expect(db.ledger.getStatement(tenant.accountId, new Date(0), new Date(Date.now() + 1000))).rejects.toMatchObject({
        code: 'unbalanced',
      }),
    );
  });

  it('of an account that is not there, or of no time, is refused', async () => {
    const unknown = db.ledger.getStatement(`acct_${'0'.repeat(32)}`, new Date(0), new Date());
    await expect(unknown).rejects.toMatchObject({ code: 'unknown_account' });
    const tenant = await openTenant(db, 1);
    await expect(db.ledger.getStatement(tenant.accountId, new Date(), new Date(0))).rejects.toThrow(RangeError);
  });

  it('of an account without movements is nothing', async () => {
    const tenant = await openTenant(db, 0);
    expect(await db.ledger.getStatement(tenant.accountId, new Date(0), new Date())).toEqual({
      opening: { availableMicrocredits: 0, heldMicrocredits: 0 },
      lines: [],
      totals: { grantedMicrocredits: 0, clawedBackMicrocredits: 0, chargedMicrocredits: 0, refundedMicrocredits: 0 },
      closing: { availableMicrocredits: 0, heldMicrocredits: 0 },
    });
  });

  it('is printed as JSON, or as CSV that no spreadsheet takes for a formula', async () => {
    const tenant = await openTenant(db, 0);
    await db.ledger.grantCredits({
      accountId: tenant.accountId,
      amountMicrocredits: 7,
      reason: '=1+1, "quoted"',
      idempotencyKey: 'formula',
    });
    await db.ledger.grantCredits({
      accountId: tenant.accountId,
      amountMicrocredits: -3,
      reason: 'too much',
      idempotencyKey: 'back',
    });
    const dates = ['--from', '2020-01-01', '--to', '2100-01-01'];
    const csv = (await ledgerCommand('statement', tenant.accountId, ...dates, '--csv')).output.trim().split('\n');
    expect(csv[0]).toBe(
      'created_at,id,kind,generation_id,reason,available_change,available_change_microcredits,held_change,held_change_microcredits,available,available_microcredits,held,held_microcredits,charged,charged_microcredits,user,metadata,total,total_microcredits',
    );
    expect(csv[1]).toBe('2020-01-01T00:00:00.000Z,,opening,,,,,,,0.000000,0,0.000000,0,,,,,,');
    expect(csv[2]).toContain(`grant,,"'=1+1, ""quoted""",0.000007,7,0.000000,0,0.000007,7,0.000000,0,0.000000,0,,,,`);
    expect(csv[3]).toContain('claw_back,,too much,-0.000003,-3,0.000000,0,0.000004,4,0.000000,0,0.000000,0,,,,');
    const end = '2100-01-01T00:00:00.000Z';
    expect(csv.slice(4)).toEqual([
      `${end},,closing,,,,,,,0.000004,4,0.000000,0,,,,,,`,
      `${end},,total_granted,,,,,,,,,,,,,,,0.000007,7`,
      `${end},,total_clawed_back,,,,,,,,,,,,,,,0.000003,3`,
      `${end},,total_charged,,,,,,,,,,,,,,,0.000000,0`,
      `${end},,total_refunded,,,,,,,,,,,,,,,0.000000,0`,
    ]);
    const json = JSON.parse((await ledgerCommand('statement', tenant.accountId, ...dates)).output) as object;
    expect(json).toMatchObject({ account: tenant.accountId, closing: { availableMicrocredits: 4 } });
  });

  it.each(['=1', '+1', '-1', '@a', '＝1', '＋1', '－1', '＠a', '﹦1', ' =1', '\u3000＝1', '\t1', '\r1', '\n1'])(
    'as CSV has %j behind an apostrophe, because a spreadsheet would run it',
    (reason) => {
      expect(toCsv([lineOf(reason)])).toContain(`,"'${reason}",`.replaceAll('"', /[\r\n]/.test(reason) ? '"' : ''));
    },
  );

  it('as CSV has the client’s labels as cells, which run no more than any other text', () => {
    const labels = { user: '=1+1', metadata: { order: '42, =1+1' } };
    expect(toCsv([lineOf('r', labels)])).toContain(`,0.000000,0,'=1+1,"{""order"":""42, =1+1""}"\n`);
    expect(toCsv([lineOf('r')])).toMatch(/,0\.000000,0,,\n$/);
  });

  it.each(['refund of 1=1', 'a-b', '1+1', 'ＡＢＣ', "'=1", ''])('as CSV has %j as it is', (reason) => {
    expect(toCsv([lineOf(reason)])).toContain(`,grant,,${reason},0.000001,`);
  });

  it('tells with --help what it prints', async () => {
    const { code, output } = await ledgerCommand('statement', '--help');
    expect(code).toBe(0);
    const tenant = await openTenant(db, 1);
    const dates = ['--from', '2020-01-01', '--to', '2100-01-01'];
    const csv = (await ledgerCommand('statement', tenant.accountId, ...dates, '--csv')).output;
    const [header = '', ...lines] = csv.trim().split('\n');
    for (const column of header.split(','))
      expect(output).toContain(column.replace(/^.*_microcredits$/, '*_microcredits'));
    for (const line of lines) expect(output).toContain(line.split(',')[2]?.replace(/^total_.*/, (kind) => kind));
  });

  it('with unreadable dates or no account is answered with how it is used', async () => {
    const { code, output } = await ledgerCommand('statement', '--from', 'yesterday');
    expect([code, output]).toEqual([2, expect.stringContaining('--from <date>')]);
  });
});
