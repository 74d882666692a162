import { execFileSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { Agent } from 'undici';
import { untilItWorks } from '../../../dev/ports.ts';
import { forEachOf } from '../support/forEachOf.ts';
import { startOwnStack } from '../support/ownStack.ts';
import { quantile } from './figures.ts';
import type { Watched } from './watcher.ts';
import { watch } from './watcher.ts';

/**
 * `npm run bench:watchers [watchers] [generations]`: so many clients follow the events of so many generations at one API
 * process. Does each learn the end, how long after the row's change does an event arrive, and what memory does it take?
 */

const [watchers = 1000, generations = 200] = process.argv.slice(2).map(Number);
const CREATES_AT_ONCE = 8;
/** Long enough that every watcher is there before the first video ends. */
const VIDEO_SECONDS = 30 + Math.ceil(generations / 4);
const GRANTED = 1_000_000_000;

const stack = await startOwnStack({
  LOG_LEVEL: 'warn',
  SIMULATOR_VIDEO_SECONDS: String(VIDEO_SECONDS),
  RATE_LIMIT_PER_MINUTE: '1000000',
});
const { api, databaseUrl, pids } = stack.endpoints;
const agent = new Agent({ connections: null, bodyTimeout: 0, headersTimeout: 60_000 });
const database = new pg.Client({ connectionString: databaseUrl });
let seen: Watched[] = [];
try {
  await database.connect();
  const { key } = await stack.openAccount(GRANTED);
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const quietKilobytes = rss_kB();
  const prompts = Array.from({ length: generations }, (_, index) => `fox ${index}`);
  const ids = await forEachOf(prompts, CREATES_AT_ONCE, async (prompt) => {
    const answer = await fetch(`${api}/v1/videos`, { method: 'POST', headers, body: JSON.stringify({ prompt }) });
    return ((await answer.json()) as { id: string }).id;
  });
  seen = Array.from({ length: watchers }, (_, index): Watched => {
    const id = ids[index % ids.length]!;
    return { id, connectedAtMs: undefined, events: [], over: undefined };
  });
  const ends = seen.map((watched) => watch(agent, `${api}/v1/videos/${watched.id}/events`, headers, watched));
  await untilItWorks(
    async () => {
      const missing = seen.filter(({ connectedAtMs }) => connectedAtMs === undefined).length;
      if (missing > 0) throw new Error(`${missing} watchers are not connected`);
    },
    60_000,
    100,
  );
  const watchedKilobytes = rss_kB();
  const late = delay((VIDEO_SECONDS + 120) * 1000, undefined, { ref: false });
  let peakKilobytes = watchedKilobytes;
  const sampling = setInterval(() => (peakKilobytes = Math.max(peakKilobytes, rss_kB())), 1000);
  await Promise.race([Promise.all(ends), late]);
  clearInterval(sampling);
  report(await recordedAt(ids), { quietKilobytes, watchedKilobytes, peakKilobytes });
} finally {
  await Promise.all([database.end(), agent.destroy()]);
  await stack.stop();
}

function rss_kB(): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pids.api)], { encoding: 'utf8' }));
}

/** When each event of these was written: `<generation> <sequence>` → milliseconds. */
async function recordedAt(ids: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await database.query<{ of: string; at: Date }>(
    `SELECT generation_id || ' ' || sequence AS of, recorded_at AS at FROM generation_events WHERE generation_id = ANY($1)`,
    [ids],
  );
  return new Map(rows.map(({ of, at }) => [of, at.getTime()]));
}

function report(recorded: Map<string, number>, memory: Record<string, number>): void {
  const settled = seenSettled();
  const delays_ms = seen.flatMap(({ id, connectedAtMs, events }) =>
    events.flatMap(({ sequence, atMs }) => {
      const writtenMs = recorded.get(`${id} ${sequence}`);
      // Events from before the watcher connected don't count.
      return writtenMs === undefined || writtenMs < connectedAtMs! ? [] : [atMs - writtenMs];
    }),
  );
  const [p50, p99, most] = [0.5, 0.99, 1].map((part) => quantile(delays_ms, part).toFixed(0));
  const { quietKilobytes = 0, watchedKilobytes = 0, peakKilobytes = 0 } = memory;
  const megabytes = (kilobytes: number) => (kilobytes / 1024).toFixed(0);
  process.stdout.write(
    `${watchers} watchers of ${generations} generations: ${settled} learned the end, ${watchers - settled} did not\n` +
      `${delays_ms.length} events after the row's change: p50 ${p50} ms, p99 ${p99} ms, at most ${most} ms\n` +
      `RSS of the API: ${megabytes(quietKilobytes)} MB before, ${megabytes(watchedKilobytes)} MB with all watchers, ${megabytes(peakKilobytes)} MB at most\n`,
  );
  process.exitCode = settled === watchers ? 0 : 1;
}

function seenSettled(): number {
  return seen.filter(({ over, events }) => over === 'ended' && events.at(-1)?.event === 'settled').length;
}
