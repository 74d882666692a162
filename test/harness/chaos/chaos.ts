import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { checkBooks } from './bookChecks.ts';
import { heal, repeatAll, untilTerminal } from './calm.ts';
import { checkClaims, checkEnds, checkRequests, checkSettlements, checkShown } from './checks.ts';
import type { Asked, Clients, Tenant } from './clients.ts';
import { play } from './clients.ts';
import { gather } from './evidence.ts';
import { checkErrors, readErrors } from './logs.ts';
import type { ChaosOptions } from './options.ts';
import { planStrikes } from './plan.ts';
import { checkAgainstProvider, checkUnprovenLists, checkVideos, lateCompletions } from './providerChecks.ts';
import { Random } from './random.ts';
import { stories, tables } from './report.ts';
import { planRequests, planTenants } from './requests.ts';
import { checkSales } from './salesChecks.ts';
import type { Site } from './site.ts';
import { openSite } from './site.ts';
import { Strikes } from './strikes.ts';
import { grant, openSales, openTenants } from './tenants.ts';
import { checkUpgrade, settledByVersion } from './upgrade.ts';
import type { Seen } from './watching.ts';

/** Requests at once; more is only a longer queue on two cores. */
const AT_ONCE = 8;
const PROGRESS_EVERY_MS = 10_000;
/** The part of the requests that is asked before the faults are over; the last ones meet the next version whenever it came. */
const ASKED_MEANWHILE = 0.9;

export interface ChaosResult {
  readonly violations: readonly string[];
  /** The last line of the run. */
  readonly verdict: string;
}

/**
 * One run: everything is started, struck while clients ask, healed, and judged when it has come to its end. `over` ends it
 * early. Whatever happens, no process is left.
 */
export async function runChaos(
  options: ChaosOptions,
  say: (line: string) => void,
  over: AbortSignal,
): Promise<ChaosResult> {
  const began = performance.now();
  const interrupted = new Promise<never>((_, reject) => {
    over.addEventListener('abort', () => reject(over.reason as Error));
  });
  interrupted.catch(() => undefined);
  const site = await openSite(options, say, over);
  let keep = options.keep;
  try {
    say(`everything runs in ${site.folder}, after ${seconds(performance.now() - began)} s`);
    const violations = await Promise.race([conduct(site, options, say), interrupted]);
    keep ||= violations.length > 0;
    const kills = site.parts().reduce((sum, part) => sum + part.kills, 0);
    say(`it took ${seconds(performance.now() - began)} s${keep ? `; the logs are in ${site.folder}` : ''}`);
    const found = violations.length === 0 ? 'all invariants hold' : `${violations.length} violations`;
    const verdict = `chaos: seed ${options.seed}: ${options.generations} generations, ${kills} kills, ${found}`;
    return { violations, verdict };
  } finally {
    await site.close(keep);
  }
}

async function conduct(site: Site, options: ChaosOptions, say: (line: string) => void): Promise<string[]> {
  const random = new Random(options.seed);
  const tenantPlan = planTenants(random.fork('tenants'), options.generations, options.faults_ms);
  const requestPlan = planRequests(random.fork('requests'), options.generations, options.faults_ms);
  const strikePlan = planStrikes(random.fork('strikes'), options.faults_ms, options.kinds);
  const [answersOver, watchOver] = [new AbortController(), new AbortController()];
  // Every client listens to them.
  setMaxListeners(0, answersOver.signal, watchOver.signal);
  const clients: Clients & { adminKey: string } = {
    apis: site.apis,
    adminKey: site.adminKey,
    over: answersOver.signal,
    watched: watchOver.signal,
  };
  await openSales(clients, random.fork('sales'));
  const tenants = await openTenants(clients, random.fork('admin'), tenantPlan);

  const limit = pLimit(AT_ONCE);
  const asked: Asked[] = [];
  const seen: Seen[] = [];
  const strikes = new Strikes(site, say);
  const striking = strikes.carryOut(strikePlan);
  const asking = requestPlan.map(async (request) => {
    await delay(request.at_ms);
    if (request.number >= ASKED_MEANWHILE * requestPlan.length) await striking;
    asked.push(await limit(() => play(clients, request, tenants[request.tenant] as Tenant)));
  });
  const granting = tenantPlan.flatMap(({ later }, index) =>
    later.map(async ({ at_ms, amount, key }) => {
      await delay(at_ms);
      await grant(clients, random.fork(key), tenants[index] as Tenant, amount, key);
    }),
  );
  const progress = setInterval(() => void sayProgress(site, asked.length, requestPlan.length, say), PROGRESS_EVERY_MS);
  try {
    await striking;
    say('the faults are over');
    await heal(site);
    const limitOfAnswers = setTimeout(() => answersOver.abort(), options.answer_limit_ms);
    await Promise.all([...asking, ...granting]);
    clearTimeout(limitOfAnswers);
    say('every client has its answer');
    const calm = random.fork('calm');
    say(`the reconciler: ${await untilTerminal(site, calm, options.calm_limit_ms, say)}`);
    watchOver.abort();
    seen.push(...(await Promise.all(asked.map((each) => each.seen))));
    // A claim that was accepted in the last moment has its own end.
    await untilTerminal(site, calm, options.calm_limit_ms, say);
  } finally {
    clearInterval(progress);
    watchOver.abort();
    answersOver.abort();
  }
  return judge(site, strikes, clients, tenants, asked, seen, say);
}

async function judge(
  site: Site,
  strikes: Strikes,
  clients: Clients,
  tenants: readonly Tenant[],
  asked: readonly Asked[],
  seen: readonly Seen[],
  say: (line: string) => void,
): Promise<string[]> {
  const repeated = await repeatAll(clients, asked);
  const evidence = await gather(site);
  const { records, violations: unrecorded } = checkVideos(evidence);
  const logged = await readErrors(site);
  const byVersion = await settledByVersion(site, evidence);
  const violations = [
    ...checkErrors(logged),
    ...checkUpgrade(byVersion),
    ...checkRequests(asked, evidence),
    ...checkSales(asked, strikes.spans),
    ...repeated,
    ...checkEnds(evidence),
    ...checkSettlements(evidence),
    ...checkShown(asked, seen, evidence),
    ...checkClaims(seen, evidence),
    ...unrecorded,
    ...checkUnprovenLists(evidence),
    ...checkAgainstProvider(evidence),
    ...(await checkBooks(site, tenants)),
  ];
  for (const line of tables(site, strikes, asked, evidence, { records, logged, byVersion })) say(line);
  const late = lateCompletions(evidence);
  if (late.length > 0) {
    say(`\nreleased although the provider completed it, and not claimed:\n${late.join('\n')}`);
    for (const line of stories(late, evidence)) say(line);
  }
  for (const { part, how, lastLines } of site.parts().flatMap(({ exits }) => exits)) {
    say(`\n${part} ended by itself (${how}):\n${lastLines}`);
  }
  if (violations.length > 0) {
    for (const line of stories(violations, evidence)) say(line);
    say(`\nviolations:\n${violations.join('\n')}`);
  }
  say('');
  return violations;
}

const STATES = 'SELECT state, count(*) FROM generations GROUP BY state ORDER BY state';

async function sayProgress(site: Site, answered: number, all: number, say: (line: string) => void): Promise<void> {
  const states = await site.database
    .query<{ state: string; count: number }>(STATES)
    .then(({ rows }) => rows.map(({ state, count }) => `${count} ${state}`).join(', '))
    .catch(() => 'the database does not answer');
  say(`${answered} of ${all} requests answered; ${states}`);
}

function seconds(duration_ms: number): string {
  return (duration_ms / 1000).toFixed(1);
}
