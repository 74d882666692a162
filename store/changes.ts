import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Pool } from './pool.ts';

/**
 * Announces changed generations to their watchers by PostgreSQL's LISTEN and NOTIFY, with ids only. A movement's own
 * transaction never notifies, because commits that notify wait for each other. Watchers also poll, so a lost
 * announcement only delays them.
 */

const CHANNEL = 'holdfast_generations';
/** Changes within this time are sent as one statement. */
const GATHERED_MS = 20;
/** PostgreSQL accepts fewer than 8000 bytes; an id has 38. */
const IDS_AT_ONCE = 150;

/** Announces changed generations after the commit. An announcement that fails is dropped. */
export class Announcer {
  private readonly ids = new Set<string>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly pool: Pool) {}

  add(generationId: string): void {
    this.ids.add(generationId);
    this.timer ??= setTimeout(() => void this.send(), GATHERED_MS).unref();
  }

  private async send(): Promise<void> {
    this.timer = undefined;
    const ids = [...this.ids];
    this.ids.clear();
    for (let from = 0; from < ids.length; from += IDS_AT_ONCE) {
      const payload = ids.slice(from, from + IDS_AT_ONCE).join(' ');
      await this.pool.query('SELECT pg_notify($1, $2)', [CHANNEL, payload]).catch(() => undefined);
    }
  }
}

/** One listener for each process, for any number of watchers. */
export interface Changes {
  /** Calls `changed` whenever this generation may have changed; returns a function that stops it. */
  readonly watch: (generationId: string, changed: () => void) => () => void;
  readonly close: () => Promise<void>;
}

const RECONNECT_MS = 1000;
const CONNECT_TIMEOUT_MS = 5000;

/** Listens on its own connection and replaces it when it breaks; then it wakes all watchers, for a change may have been missed. */
export function listenForChanges(options: {
  databaseUrl: string;
  onError: (error: Error) => void;
  /** Between two connections; a second by default. */
  reconnectMs?: number;
}): Changes {
  const { reconnectMs = RECONNECT_MS } = options;
  const watchers = new Map<string, Set<() => void>>();
  const closing = new AbortController();
  // A database that stays away is reported once, not at every attempt.
  let reported = false;
  const report = (error: Error) => {
    if (!reported) options.onError(error);
    reported = true;
  };
  const wake = (ids: Iterable<string>) => {
    for (const id of ids) for (const changed of watchers.get(id) ?? []) changed();
  };

  async function listenOnce(): Promise<void> {
    const client = new pg.Client({
      connectionString: options.databaseUrl,
      application_name: 'holdfast changes',
      keepAlive: true,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: CONNECT_TIMEOUT_MS,
    });
    let end = () => {};
    const broken = new Promise<void>((resolve) => {
      end = resolve;
    });
    client.once('error', (error: Error) => {
      report(error);
      end();
    });
    client.once('end', end);
    closing.signal.addEventListener('abort', end, { once: true });
    client.on('notification', ({ payload = '' }) => wake(payload.split(' ')));
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
      reported = false;
      wake([...watchers.keys()]);
      await broken;
    } finally {
      // There may be thousands of connections before the process ends: none may leave a listener behind.
      closing.signal.removeEventListener('abort', end);
      await client.end().catch(() => undefined);
    }
  }

  async function listen(): Promise<void> {
    while (!closing.signal.aborted) {
      await listenOnce().catch((error: unknown) => report(error as Error));
      await delay(reconnectMs, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  }

  const listening = listen();
  return {
    watch: (generationId, changed) => {
      const all = watchers.get(generationId) ?? new Set();
      watchers.set(generationId, all.add(changed));
      return () => {
        all.delete(changed);
        if (all.size === 0) watchers.delete(generationId);
      };
    },
    close: async () => {
      closing.abort();
      await listening;
    },
  };
}
