import { Client } from 'pg';
import type { OwnStack } from '../harness/support/ownStack.ts';
import { PNG } from '../harness/support/png.ts';
import type { CountingProxy, Passed } from './proxy.ts';
import type { StepResult } from './steps.ts';

const GRANTED = 100_000_000;
const POOR = 100;

export interface Accounts {
  readonly rich: string;
  readonly poor: string;
  readonly full: string;
  readonly lossy: string;
}

/** The accounts of one program after another, and what the server saw of them. */
export class AccountsOfPrograms {
  readonly #stack: OwnStack;
  readonly #database: Client;
  readonly #capped = new Set<string>();
  readonly #lossy = new Set<string>();
  /** Generations whose reference arrived as it was sent: one that has ended keeps none. */
  readonly #referenced = new Map<string, Set<string>>();

  private constructor(stack: OwnStack, database: Client) {
    this.#stack = stack;
    this.#database = database;
  }

  static async open(stack: OwnStack): Promise<AccountsOfPrograms> {
    const database = new Client({ connectionString: stack.endpoints.migrateDatabaseUrl });
    await database.connect();
    await database.query('SET search_path = holdfast');
    return new AccountsOfPrograms(stack, database);
  }

  close(): Promise<void> {
    return this.#database.end();
  }

  async make(): Promise<Accounts> {
    const keys: string[] = [];
    for (const granted of [GRANTED, POOR, GRANTED, GRANTED]) keys.push((await this.#stack.openAccount(granted)).key);
    const [rich = '', poor = '', full = '', lossy = ''] = keys;
    this.#capped.add(full);
    this.#lossy.add(lossy);
    await this.#cap(rich, 100);
    await this.#cap(full, 0);
    return { rich, poor, full, lossy };
  }

  /** For the proxy: an account that was full has room after its first 429, and a lossy one loses its first create. */
  async onAnswer({ status, key, method }: Passed): Promise<'pass' | 'lose'> {
    if (method === 'POST' && status === 200) await this.#lookForReferences(key);
    if (status === 429 && this.#capped.delete(key)) await this.#cap(key, 10);
    return method === 'POST' && this.#lossy.delete(key) ? 'lose' : 'pass';
  }

  /** What only the server can tell of a program: what was sent how often, and what it came to. */
  async seen(proxy: CountingProxy, accounts: Accounts): Promise<StepResult[]> {
    const creates = (key: string) =>
      proxy.of(key).filter(({ method, path }) => method === 'POST' && path === '/v1/videos');
    const statuses = (key: string) => creates(key).map(({ status }) => status);
    const conflicts = proxy.of(accounts.rich).filter(({ status }) => status === 409).length;
    const [first, second] = creates(accounts.full);
    const waitedMs = second === undefined || first === undefined ? 0 : second.atMs - first.atMs;
    const references = this.#referenced.get(accounts.rich)?.size ?? 0;
    const paid = (await this.#idsOf(accounts.lossy, 'holds h ON h.generation_id = g.id')).length;
    const group = 'seen by the server';
    const step = (name: string, isRight: boolean, found: unknown) => ({
      group,
      name,
      failure: isRight ? undefined : JSON.stringify(found),
    });
    return [
      step('the reference arrives byte for byte', references >= 2, references),
      step('a 402 and a 409 are sent once', String(statuses(accounts.poor)) === '402' && conflicts === 1, {
        creates: statuses(accounts.poor),
        conflicts,
      }),
      step(
        'a 429 is sent again after Retry-After',
        String(statuses(accounts.full)) === '429,200' && /^\d+$/.test(first?.retryAfter ?? '') && waitedMs > 990,
        { creates: creates(accounts.full) },
      ),
      step('a lost answer is paid once', creates(accounts.lossy).length === 2 && paid === 1, {
        creates: statuses(accounts.lossy),
        paid,
      }),
    ];
  }

  async #lookForReferences(key: string): Promise<void> {
    const seen = this.#referenced.get(key) ?? new Set();
    const found = await this.#idsOf(key, 'inputs i ON i.generation_id = g.id AND $2 = ANY (i.images)', PNG);
    for (const id of found) seen.add(id);
    this.#referenced.set(key, seen);
  }

  async #cap(key: string, maxActive: number): Promise<void> {
    await this.#database.query(
      `UPDATE accounts SET max_active_generations = $2
       WHERE id = (SELECT account_id FROM api_keys WHERE key_sha256 = sha256($1::bytea))`,
      [key, maxActive],
    );
  }

  /** The generations of this key's account that are joined with such a row. */
  async #idsOf(key: string, joined: string, ...more: unknown[]): Promise<string[]> {
    const { rows } = await this.#database.query<{ id: string }>(
      `SELECT g.id FROM generations g JOIN ${joined}
       WHERE g.account_id = (SELECT account_id FROM api_keys WHERE key_sha256 = sha256($1::bytea))`,
      [key, ...more],
    );
    return rows.map(({ id }) => id);
  }
}
