import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Pool } from './pool.ts';

/**
 * Who waits for a generation hears of its changes over PostgreSQL's LISTEN and NOTIFY: ids only, and never as a part of a
 * movement's transaction, for all commits that notify wait for each other. What gets lost is found by looking now and then.
 */

const CHANNEL = 'holdfast_generations';
/** Changes of this time go out as one statement. */
const GATHERED_MS = 20;
/** PostgreSQL takes less than 8000 bytes; an id has 38. */
const IDS_AT_ONCE = 150;

/** Announces that generations have changed, after the commit; one that fails is dropped. */
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

/** One listener a process, however many watch. */
export interface Changes {
  /** Calls `changed` whenever this generation may have changed; answers with how to stop it. */
  readonly watch: (generationId: string, changed: () => void) => () => void;
  readonly close: () => Promise<void>;
}

const RECONNECT_MS = 1000;
const CONNECT_TIMEOUT_MS = 5000;

/** Listens on a connection of its own, and makes a new one when that breaks: then everybody looks once. */
export function listenForChanges(options: { databaseUrl: string; onError: (error: Error) => void }): Changes {
  const watchers = new Map<string, Set<() => void>>();
  const closing = new AbortController();
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
    const broken = new Promise<void>((resolve) => {
      client.once('error', (error: Error) => {
        options.onError(error);
        resolve();
      });
      client.once('end', resolve);
      closing.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    client.on('notification', ({ payload = '' }) => wake(payload.split(' ')));
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
      wake([...watchers.keys()]);
      await broken;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  async function listen(): Promise<void> {
    while (!closing.signal.aborted) {
      await listenOnce().catch((error: unknown) => options.onError(error as Error));
      await delay(RECONNECT_MS, undefined, { signal: closing.signal }).catch(() => undefined);
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
