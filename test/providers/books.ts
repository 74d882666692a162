import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'pg';
import type { OwnStack } from '../harness/support/ownStack.ts';

const GRANTED = 1_000_000_000;
/** Each case is an order, and all run at once. */
const MOST_ACTIVE = 100;
const LOOK_MS = 250;
const OPEN_LIMIT_MS = 60_000;
/** A copy that failed is tried again a little later. */
const ARCHIVE_LIMIT_MS = 60_000;

/** A generation as the books have it. */
export interface Standing {
  readonly id: string;
  readonly state: string;
  readonly amount: number;
  readonly charged: number | null;
  readonly reason: string | null;
  readonly video: string | null;
  /** The provider's own reason of a failure, which operators see. */
  readonly told: string | null;
  readonly attempts: readonly (string | null)[];
  readonly archived: boolean;
}

const STANDING = `SELECT g.id, g.state, g.amount_microcredits::float8 AS amount,
    g.charged_amount_microcredits::float8 AS charged, g.settlement_reason AS reason, g.provider_video_id AS video, g.provider_error_message AS told,
    ARRAY(SELECT a.outcome FROM provider_attempts a WHERE a.generation_id = g.id ORDER BY a.number) AS attempts,
    EXISTS (SELECT FROM contents c WHERE c.generation_id = g.id AND c.variant = 'video' AND c.state = 'archived') AS archived
  FROM generations g WHERE g.id = ANY($1) ORDER BY array_position($1, g.id)`;

/** One account with credits and a key, and the rows behind it. */
export class Books {
  readonly #api: string;
  readonly #key: string;
  readonly #database: Pool;

  private constructor(api: string, key: string, database: Pool) {
    this.#api = api;
    this.#key = key;
    this.#database = database;
  }

  static async open(stack: OwnStack): Promise<Books> {
    const { id, key } = await stack.openAccount(GRANTED);
    const connectionString = stack.endpoints.migrateDatabaseUrl;
    const database = new Pool({ connectionString, options: '-c search_path=holdfast', max: 3 });
    await database.query('UPDATE accounts SET max_active_generations = $2 WHERE id = $1', [id, MOST_ACTIVE]);
    return new Books(stack.endpoints.api, key, database);
  }

  /** Waits until the workers' probes find the provider up: one of them may have asked while it was away. */
  async untilOpen(): Promise<void> {
    const untilMs = performance.now() + OPEN_LIMIT_MS;
    for (;;) {
      const { rows } = await this.#database.query<{ fails: boolean }>(
        'SELECT coalesce(bool_or(failures > 0), true) AS fails FROM provider_probes',
      );
      if (rows[0]?.fails === false) return;
      if (performance.now() > untilMs) throw new Error('the probes still fail');
      await sleep(LOOK_MS);
    }
  }

  close(): Promise<void> {
    return this.#database.end();
  }

  get(path: string): Promise<Response> {
    return fetch(`${this.#api}${path}`, { headers: { authorization: `Bearer ${this.#key}` } });
  }

  post(path: string, body?: unknown): Promise<Response> {
    return fetch(`${this.#api}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  delete(path: string): Promise<Response> {
    return fetch(`${this.#api}${path}`, { method: 'DELETE', headers: { authorization: `Bearer ${this.#key}` } });
  }

  /** Orders a video of 4 seconds; returns its id once the hold is placed. */
  async order(prompt: string): Promise<string> {
    const answer = await this.post('/v1/videos', { prompt, model: 'sora-2', seconds: '4' });
    const body = (await answer.json()) as { id?: string };
    if (body.id === undefined) throw new Error(`the order was refused: ${answer.status} ${JSON.stringify(body)}`);
    return body.id;
  }

  async standings(ids: readonly string[]): Promise<Standing[]> {
    return (await this.#database.query<Standing>(STANDING, [ids])).rows;
  }

  /** Waits until each is settled, and what was charged is archived; then, or at the limit, returns how they stand. */
  async untilSettled(ids: readonly string[], limitMs: number): Promise<Standing[]> {
    const until = performance.now() + limitMs;
    let settledAtMs: number | undefined;
    for (;;) {
      const all = await this.standings(ids);
      const settled = all.every(({ state }) => state === 'charged' || state === 'released');
      if (settled) settledAtMs ??= performance.now();
      if (settled && all.every(({ state, archived }) => state === 'released' || archived)) return all;
      const endMs = settledAtMs === undefined ? until : settledAtMs + ARCHIVE_LIMIT_MS;
      if (performance.now() > endMs) return all;
      await sleep(LOOK_MS);
    }
  }

  /** What is wrong with the account and the ledger when all is settled; undefined when they are right. */
  async fault(): Promise<string | undefined> {
    const { rows: drift } = await this.#database.query('SELECT * FROM ledger_drift');
    if (drift.length > 0) return `drift: ${JSON.stringify(drift).slice(0, 300)}`;
    const credits = (await (await this.get('/v1/credits')).json()) as Record<string, number>;
    const { rows } = await this.#database.query<{ charged: number }>(
      `SELECT coalesce(sum(charged_amount_microcredits), 0)::float8 AS charged FROM generations
       WHERE account_id = (SELECT account_id FROM api_keys WHERE key_sha256 = sha256($1::bytea))`,
      [this.#key],
    );
    const left = GRANTED - (rows[0]?.charged ?? 0);
    const isRight = credits['available_microcredits'] === left && credits['held_microcredits'] === 0;
    return isRight ? undefined : `${JSON.stringify(credits)} where ${left} should be left`;
  }
}
