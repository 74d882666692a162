import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { repository } from '../../dev/state.ts';
import { Caller } from '../harness/support/cli.ts';
import { expectNoDrift } from '../harness/support/generations.ts';
import { ADMIN_KEY, adminPost, openAccount, startStack, type TestStack } from '../harness/support/stack.ts';

/** `holdfast import`: the balances of another system, from a file, against a real stack. */

let stack: TestStack;
let folder: string;
let caller: Caller;
let files = 0;

beforeAll(async () => {
  [stack, folder] = await Promise.all([startStack({ videoSeconds: 0.5 }), mkdtemp(join(tmpdir(), 'holdfast-import-'))]);
  caller = new Caller(stack.url, await openAccount(stack, 0), folder);
});
afterAll(async () => {
  await expectNoDrift(stack);
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A file with these lines. */
async function fileOf(...lines: string[]): Promise<string> {
  const file = join(folder, `${String(++files)}.csv`);
  await writeFile(file, lines.join('\n'));
  return file;
}

/** The accounts whose name begins so, with what they have, by name. */
async function accountsOf(prefix: string): Promise<[name: string, microcredits: number][]> {
  const { rows } = await stack.database.admin.query<{ name: string; available: string }>(
    'SELECT name, available_microcredits AS available FROM accounts WHERE starts_with(name, $1) ORDER BY name',
    [prefix],
  );
  return rows.map(({ name, available }) => [name, Number(available)]);
}

describe('balances of another system', { timeout: 60_000 }, () => {
  it('are granted once to an account of each user, checked, and written down with the account', async () => {
    const file = await fileOf('id,user_id,balance', '1,ada,12.5', '2,"bob, of Acme",0.57142900', '3,cy,0', '');
    const dry = await caller.json('import', file, '--dry-run');
    expect(dry).toMatchObject({ dry_run: true, rows: 3, accounts_made: 3, accounts_file: null });
    expect(await accountsOf('ada')).toEqual([]);

    expect((await caller.text('import', file)).trim()).toBe(
      `Imported and checked 3 balances, 13.071429 credits in all, as the file says: 3 new accounts, 0 that were there. Whose is which: ${file}.accounts.csv`,
    );
    expect(await accountsOf('ada')).toEqual([['ada', 12_500_000]]);
    expect(await accountsOf('bob')).toEqual([['bob, of Acme', 571_429]]);
    expect(await accountsOf('cy')).toEqual([['cy', 0]]);
    expect((await readFile(`${file}.accounts.csv`, 'utf8')).split('\n')).toEqual([
      'user_id,account_id,balance',
      expect.stringMatching(/^ada,acct_[0-9a-f]{32},12\.500000$/),
      expect.stringMatching(/^"bob, of Acme",acct_[0-9a-f]{32},0\.571429$/),
      expect.stringMatching(/^cy,acct_[0-9a-f]{32},0\.000000$/),
      '',
    ]);
  });

  it('are granted once though the import is killed halfway, and repeated twice', async () => {
    const users = Array.from({ length: 150 }, (_, index) => `crash-${String(index).padStart(3, '0')}`);
    const file = await fileOf('user_id,balance_microcredits', ...users.map((user) => `${user},2000000`));
    const env = { PATH: process.env['PATH'], HOLDFAST_URL: stack.url, HOLDFAST_ADMIN_KEY: ADMIN_KEY, HOME: folder };
    const killed = spawn(process.execPath, [join(repository, 'cli/dist/holdfast.cjs'), 'import', file], { env });
    await vi.waitUntil(async () => (await accountsOf('crash-')).length > 10, { timeout: 20_000, interval: 10 });
    killed.kill('SIGKILL');
    await once(killed, 'close');
    expect((await accountsOf('crash-')).length).toBeLessThan(users.length);

    const again = await caller.json('import', file);
    expect(again).toMatchObject({ rows: 150, imported_microcredits: 300_000_000, differences: [] });
    await caller.text('import', file);
    expect(await accountsOf('crash-')).toEqual(users.map((user) => [user, 2_000_000]));
  });

  it('that differ from an earlier import are not granted, and the line is named', async () => {
    await caller.text('import', await fileOf('user_id,balance', 'dora,1'));
    const { code, stderr } = await caller.run(['import', await fileOf('user_id,balance', 'dora,2')]).ended;
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^Line 2: Another balance was imported for this user before\. Nothing was moved/),
    });
    expect(await accountsOf('dora')).toEqual([['dora', 1_000_000]]);
  });

  it('that another import has granted too are found by the check', async () => {
    const file = await fileOf('user_id,balance', 'erin,1');
    await caller.text('import', file);
    const [{ id }] = (await caller.json<{ data: [{ id: string }] }>('account', 'list', '--name', 'erin')).data;
    const grant = { amount_microcredits: 500_000, reason: 'imported balance' };
    await adminPost(stack, `/accounts/${id}/grants`, grant, { 'idempotency-key': 'by hand' });
    const { code, stdout } = await caller.run(['import', file]).ended;
    expect(code).toBe(1);
    expect(stdout).toMatch(/^Line 2: the file says 1\.000000 credits, and 1\.500000 were imported to acct_/);
    expect(stdout).toMatch(/\n1 of 1 accounts are not as the file says: 1\.000000 credits are in it, 1\.500000 were/);
  });

  it('go to the account that bears the name of the user already', async () => {
    await adminPost(stack, '/accounts', { name: 'gil' }, { 'idempotency-key': 'signed up before' });
    const report = await caller.json('import', await fileOf('user_id,balance', 'gil,1'));
    expect(report).toMatchObject({ accounts_made: 0, accounts_found: 1, differences: [] });
    expect(await accountsOf('gil')).toEqual([['gil', 1_000_000]]);
  });

  it('go to nobody where two accounts have the name', async () => {
    for (const key of ['one', 'two']) await adminPost(stack, '/accounts', { name: 'fay' }, { 'idempotency-key': key });
    const { code, stderr } = await caller.run(['import', await fileOf('user_id,balance', 'gus,1', 'fay,1')]).ended;
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^Line 3: acct_\w+ and acct_\w+ both have this user's name\. Nothing was imported/),
    });
    expect(await accountsOf('gus')).toEqual([]);
  });

  it.each([
    ['without its columns', 'user,credits\nhal,1', 1],
    ['with a balance below zero', 'user_id,balance\nhal,1\nida,-1', 3],
    ['with a seventh place', 'user_id,balance\nhal,1.0000001', 2],
    ['with a user twice', 'user_id,balance\nhal,1\nida,1\nhal,1', 4],
    ['with an open quotation mark', 'user_id,balance\n"hal,1', 2],
    ['with a column too many', 'user_id,balance\nhal,1,2', 2],
    ['without rows', 'user_id,balance\n', 2],
  ])('in a file %s are refused by the line, before anything is written', async (_, text, line) => {
    const { code, stderr } = await caller.run(['import', await fileOf(text)]).ended;
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(new RegExp(`^Line ${line}: .*\\. Nothing was imported\\.\n$`)),
    });
    expect(await accountsOf('hal')).toEqual([]);
  });

  it('are refused with a wrong key, and without a file', async () => {
    const file = await fileOf('user_id,balance', 'hal,1');
    const wrong = await caller.run(['import', file], { env: { HOLDFAST_ADMIN_KEY: 'wrong' } }).ended;
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringMatching(/^This is not the admin key\./) });
    const missing = await caller.run(['import', join(folder, 'none.csv')]).ended;
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringMatching(/none\.csv can’t be read: no such file/) });
    expect(await accountsOf('hal')).toEqual([]);
  });
});
