import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { SweepActivities, SweepInput } from '../contracts/sweep.ts';
import type { ListResult, Provider } from '../provider/index.ts';
import type { SweepReason } from '../store/index.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { withHeartbeats } from './heartbeats.ts';
import { SweepNudges } from './sweepNudges.ts';
import { SweepRounds, type WantedPage } from './sweepRounds.ts';
import { isBusy } from './transient.ts';

type Dependencies = Pick<
  ActivityDependencies,
  'store' | 'providers' | 'generations' | 'sweepMeter' | 'stopping' | 'log'
>;

const DAY_MS = 24 * 3_600_000;
/** How often it asks the database whether anything is open, whatever the interval is. */
const LONGEST_TICK_MS = 1000;
const SHORTEST_TICK_MS = 100;
/** In a long round, what is open is read again after this time. */
const OPEN_KEPT_MS = 10_000;

/** Longer than a call of the provider takes. */
const LEASE_MS = 60_000;
const RENEWED_AFTER_MS = 10_000;

/** After so many failures in a row the list is not relied on, until it is read again. */
const FAILURES_TO_DROP = 3;
const LONGEST_BACKOFF_MS = 30_000;
/** A provider without a list may get one, by an upgrade. */
const NO_LIST_MS = 10 * 60_000;

export function createSweepActivities(deps: Dependencies): SweepActivities {
  return { sweepProvider: (input) => withHeartbeats(() => sweepProvider(deps, input)) };
}

/** See `SweepActivities.sweepProvider`. A fault of the database ends the try; Temporal brings the next one. */
async function sweepProvider(deps: Dependencies, input: SweepInput): Promise<'day_over' | 'not_swept'> {
  const provider = deps.providers.bound(input.provider);
  const intervalMs = provider?.sweepIntervalMs ?? null;
  if (provider === undefined || intervalMs === null) return 'not_swept';
  const { info, cancellationSignal } = Context.current();
  const leftMs = Math.min(DAY_MS, info.scheduledTimestampMs + DAY_MS - Date.now());
  const endsAtMs = performance.now() + leftMs;
  const tickMs = Math.max(SHORTEST_TICK_MS, Math.min(LONGEST_TICK_MS, intervalMs));
  const signal = AbortSignal.any([cancellationSignal, deps.stopping]);
  const sweep = new Sweep(deps, provider, intervalMs);
  try {
    while (performance.now() < endsAtMs) {
      await sweep.tick();
      await delay(tickMs, undefined, { signal });
    }
    return 'day_over';
  } catch (error) {
    if (cancellationSignal.aborted) throw cancellationSignal.reason;
    throw deps.stopping.aborted ? workerStops() : error;
  } finally {
    await sweep.leave();
  }
}

/** Temporal gives it to another worker. */
function workerStops(): ApplicationFailure {
  return ApplicationFailure.create({
    message: 'The worker that swept the list stops.',
    type: 'WorkerStops',
    category: ApplicationFailureCategory.BENIGN,
  });
}

class Sweep {
  private readonly sweeper = randomUUID();
  private readonly rounds = new SweepRounds();
  private readonly nudges: SweepNudges;
  private isMine = false;
  /** Whether a round has ended since the list could not be read. */
  private isRelied = false;
  private renewAtMs = 0;
  private openReadAtMs = 0;
  private nextListAtMs = 0;
  private failures = 0;

  constructor(
    private readonly deps: Dependencies,
    private readonly provider: Provider,
    private readonly intervalMs: number,
  ) {
    this.nudges = new SweepNudges(deps.generations, deps.log);
  }

  /** At most one call of the provider, and none while nothing is open. */
  async tick(): Promise<void> {
    const { store } = this.deps;
    await this.renew();
    if (!this.isMine) return;
    await this.nudges.send();
    const nowMs = performance.now();
    if (nowMs < this.nextListAtMs) return;
    if (this.rounds.isBetweenRounds || nowMs - this.openReadAtMs > OPEN_KEPT_MS) {
      this.rounds.setOpen(await store.listOpenVideos(this.provider.identity));
      this.openReadAtMs = nowMs;
    }
    const wanted = this.rounds.nextPage();
    if (wanted === undefined) return;
    this.nextListAtMs = nowMs + this.intervalMs;
    await this.list(wanted);
  }

  /** Lets another worker begin at once. */
  async leave(): Promise<void> {
    if (!this.isMine) return;
    await this.deps.store.keepSweep(this.provider.identity, this.sweeper, 0, null).catch(() => undefined);
  }

  private async renew(): Promise<void> {
    const nowMs = performance.now();
    if (nowMs < this.renewAtMs) return;
    const { identity } = this.provider;
    this.isMine = await this.deps.store.keepSweep(identity, this.sweeper, LEASE_MS, this.rounds.coverage);
    this.renewAtMs = nowMs + (this.isMine ? RENEWED_AFTER_MS : LONGEST_TICK_MS);
  }

  private async list(wanted: WantedPage): Promise<void> {
    const { name } = this.provider;
    const listed = await this.ask(wanted);
    if (listed === undefined) {
      this.deps.sweepMeter.listed(name, 'no_turn');
      return;
    }
    if (listed.outcome === 'no_list') {
      this.deps.sweepMeter.listed(name, 'no_list');
      this.drop();
      this.nextListAtMs = performance.now() + NO_LIST_MS;
      return;
    }
    if (listed.outcome === 'transient') {
      this.deps.sweepMeter.listed(name, 'failed');
      this.failures += 1;
      if (this.failures >= FAILURES_TO_DROP) this.drop();
      const backoffMs = Math.min(LONGEST_BACKOFF_MS, this.intervalMs * 2 ** Math.min(this.failures, 10));
      this.nextListAtMs = performance.now() + Math.max(this.intervalMs, backoffMs, listed.retryAfterMs ?? 0);
      return;
    }
    this.failures = 0;
    this.deps.sweepMeter.listed(name, 'read');
    const { ended, vanished } = this.rounds.take(listed);
    if (!this.isRelied && this.rounds.isBetweenRounds) this.tellCoverage(true);
    await this.nudge(ended, 'ended');
    await this.nudge(vanished, 'vanished');
    await this.nudges.send();
  }

  private drop(): void {
    this.rounds.drop();
    if (this.isRelied) this.tellCoverage(false);
  }

  /** With the next tick: workflows that begin meanwhile go by it. */
  private tellCoverage(isRelied: boolean): void {
    this.isRelied = isRelied;
    this.renewAtMs = 0;
  }

  /** Undefined when others have taken all calls that the provider may get. */
  private async ask(wanted: WantedPage): Promise<ListResult | undefined> {
    try {
      return await this.provider.listVideos({ ...wanted, isOfSweep: true });
    } catch (error) {
      if (isBusy(error)) return undefined;
      throw error;
    }
  }

  /** Counted before it is sent: a workflow is never told more often than it may be. */
  private async nudge(generationIds: readonly string[], reason: SweepReason): Promise<void> {
    if (generationIds.length === 0) return;
    const taken = await this.deps.store.takeSweepNudges(generationIds, reason);
    this.nudges.add(taken);
    this.deps.sweepMeter.nudged(this.provider.name, reason, taken.length);
  }
}
