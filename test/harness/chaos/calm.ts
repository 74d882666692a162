import { setTimeout as delay } from 'node:timers/promises';
import { untilItWorks } from '../../../dev/ports.ts';
import type { Asked, Clients } from './clients.ts';
import { call, codeOf, createBody, idOf } from './http.ts';
import { PROVIDERS, SERVERS } from './plan.ts';
import type { Random } from './random.ts';
import { runningWorkflows } from './evidence.ts';
import type { Site } from './site.ts';
import { untilReady } from './site.ts';
import { switchProvider } from './strikes.ts';

/** After the faults: everything is healed, and what was begun comes to its end. */

const READY_LIMIT_MS = 60_000;
const LOOK_EVERY_MS = 1000;
const RECONCILE_EVERY_MS = 15_000;

/** Resolves when every part is there again and nothing strikes any more. */
export async function heal(site: Site): Promise<void> {
  for (const to of SERVERS) await Promise.all(site.links({ from: 'all', to }).map((link) => link.set('open')));
  for (const name of PROVIDERS) await untilItWorks(() => switchProvider(site, name, null), READY_LIMIT_MS, 200);
  await untilReady(site, READY_LIMIT_MS);
}

const OPEN = `SELECT count(*) FROM generations WHERE state = 'held' OR state = 'requested' AND clock_timestamp() <= admit_by`;

/** How many generations and workflows are open; null when that can't be asked. */
async function open(site: Site): Promise<number | null> {
  try {
    const [row] = (await site.database.query<{ count: number }>(OPEN)).rows;
    const { size } = await runningWorkflows(site);
    return (row?.count ?? 0) + size;
  } catch {
    return null;
  }
}

/** Waits until everything is terminal, with the reconciler asked now and then; answers with what that said last. */
export async function untilTerminal(
  site: Site,
  random: Random,
  limit_ms: number,
  say: (line: string) => void,
): Promise<string> {
  const began = performance.now();
  let reconciled_ms = -Infinity;
  let answered = 'was not asked';
  for (let left: number | null = null; left !== 0;) {
    const now = performance.now();
    if (now - began > limit_ms) {
      say(`after ${Math.round(limit_ms / 1000)} s of calm not everything is terminal`);
      break;
    }
    if (now - reconciled_ms > RECONCILE_EVERY_MS) {
      reconciled_ms = now;
      answered = await reconcile(site, random);
    }
    await delay(LOOK_EVERY_MS);
    left = await open(site);
  }
  return answered;
}

async function reconcile(site: Site, random: Random): Promise<string> {
  const answer = await call(site, random, {
    method: 'POST',
    path: '/admin/reconcile',
    key: site.adminKey,
    body: () => JSON.stringify({ dry_run: false }),
    patience_ms: 60_000,
  });
  if (answer.status === 404) return 'there is no /admin/reconcile';
  return `${answer.status ?? 'no answer'} ${JSON.stringify(answer.body)}`;
}

/** A repeat of every answered request with a key is answered as the first one was; answers with what was answered otherwise. */
export async function repeatAll(clients: Clients, asked: readonly Asked[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const { request, tenant, known } of asked) {
    if (!['keyed', 'twins', 'otherBody'].includes(request.manner)) continue;
    // What never had an answer would now be a request like any other.
    if (known.outcome !== 'accepted' && known.outcome !== 'refused') continue;
    const answer = await call(clients, request.random, {
      method: 'POST',
      path: '/v1/videos',
      key: tenant.key,
      headers: { 'idempotency-key': request.key },
      body: () => createBody(request, request.prompt),
      patience_ms: 30_000,
    });
    const same =
      known.outcome === 'accepted'
        ? answer.status === 200 && idOf(answer) === known.id
        : answer.status === known.status;
    if (!same) {
      const what = `${answer.status} ${idOf(answer) ?? codeOf(answer)}`;
      wrong.push(`a repeat of request ${request.number} is answered ${what}; it was ${JSON.stringify(known)}`);
    }
  }
  return wrong;
}
