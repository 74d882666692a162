import { setTimeout as delay } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { nameOf, struckProvider } from './plan.ts';
import type { PlannedStrike, ProviderName, Strike } from './plan.ts';
import type { Site } from './site.ts';
import { upgrade } from './upgrade.ts';

/** How long a fault of a provider lasted, as `Date.now()` says it. */
export interface Span {
  readonly provider: ProviderName;
  readonly kind: Strike['kind'];
  readonly from_ms: number;
  to_ms: number;
}

/** Carries the planned faults out, each at its time; counts those that struck something. */

export class Strikes {
  /** When something struck a provider, or its settings. */
  readonly spans: Span[] = [];
  /** How often each kind struck. */
  readonly counts = new Map<string, number>();
  private readonly running = new Set<Promise<void>>();

  constructor(
    private readonly site: Site,
    private readonly say: (line: string) => void,
  ) {}

  /** Resolves when all have struck and have been healed. */
  async carryOut(plan: readonly PlannedStrike[]): Promise<void> {
    const began = performance.now();
    for (const planned of plan) {
      const wait_ms = planned.at_ms - (performance.now() - began);
      if (wait_ms > 0) await delay(wait_ms);
      const striking = this.once(planned);
      this.running.add(striking);
      void striking.finally(() => this.running.delete(striking));
    }
    await Promise.all(this.running);
  }

  private async once(planned: PlannedStrike): Promise<void> {
    const name = nameOf(planned);
    const length = 'duration_ms' in planned ? `, ${(planned.duration_ms / 1000).toFixed(1)} s` : '';
    this.say(`${(planned.at_ms / 1000).toFixed(1).padStart(6)} s  ${name}${length}`);
    const provider = struckProvider(planned);
    const span =
      provider === undefined ? undefined : { provider, kind: planned.kind, from_ms: Date.now(), to_ms: Infinity };
    if (span !== undefined) this.spans.push(span);
    const struck = await strike(this.site, planned, this.say).catch(() => false);
    if (span !== undefined) span.to_ms = Date.now();
    if (struck) this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}

/** Returns whether there was anything to strike. */
async function strike(site: Site, planned: Strike, say: (line: string) => void): Promise<boolean> {
  switch (planned.kind) {
    case 'kill':
      return site.part(planned.part).kill(planned.how, planned.draw);
    case 'pause':
      return site.part(planned.part).pause(planned.duration_ms);
    case 'cut':
      return site.links(planned.way).reduce((sum, link) => sum + link.cut(), 0) > 0;
    case 'block':
      return during(site, planned.way, planned.how, planned.duration_ms);
    case 'lose':
      return during(site, planned.way, 'mute', planned.duration_ms);
    case 'outage':
      await switchProvider(site, planned.provider, planned.how);
      await delay(planned.duration_ms);
      await switchProvider(site, planned.provider, null).catch(() => undefined);
      return true;
    case 'settings':
      await site.providers.change(planned);
      return true;
    case 'upgrade':
      await upgrade(site, planned.killedAfter_ms, say);
      return true;
    case 'terminate':
      return terminate(site, planned.draw);
    case 'reset':
      return reset(site, planned.draw, planned.taskDraw, planned.closed);
  }
}

async function during(
  site: Site,
  way: Parameters<Site['links']>[0],
  mode: 'held' | 'refused' | 'mute',
  duration_ms: number,
): Promise<boolean> {
  const links = site.links(way);
  await Promise.all(links.map((link) => link.set(mode)));
  await delay(duration_ms);
  // Answers that were lost don't come later: the connections are of no use any more.
  if (mode === 'mute') for (const link of links) link.cut();
  await Promise.all(links.map((link) => link.set('open')));
  return true;
}

/** Makes every call of the provider fail in this way; null or a restart ends the fault. */
export async function switchProvider(
  { providers }: Site,
  name: ProviderName,
  all: 'reset' | 'hang' | '503' | null,
): Promise<void> {
  const answer = await fetch(`${providers.simulator(name)}/_simulator/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ all }),
    signal: AbortSignal.timeout(5000),
  });
  if (!answer.ok) throw new Error(`the simulator answers ${answer.status}`);
}

const REASON = 'chaos';
const CALL_LIMIT_MS = 8000;

function withTemporal<Result>({ temporal }: Site, work: () => Promise<Result>): Promise<Result> {
  return temporal.withDeadline(Date.now() + CALL_LIMIT_MS, work);
}

async function pickWorkflow(site: Site, draw: number, closed: boolean) {
  const status = closed ? 'ExecutionStatus != "Running"' : 'ExecutionStatus = "Running"';
  const { executions } = await site.temporal.workflowService.listWorkflowExecutions({
    namespace: 'default',
    query: `WorkflowType = "generateVideo" AND ${status}`,
    pageSize: 200,
  });
  const { workflowId, runId } = executions?.[Math.floor(draw * executions.length)]?.execution ?? {};
  return workflowId && runId ? { workflowId, runId } : undefined;
}

async function terminate(site: Site, draw: number): Promise<boolean> {
  return withTemporal(site, async () => {
    const workflowExecution = await pickWorkflow(site, draw, false);
    if (workflowExecution === undefined) return false;
    await site.temporal.workflowService.terminateWorkflowExecution({
      namespace: 'default',
      workflowExecution,
      reason: REASON,
    });
    return true;
  });
}

/** As `temporal workflow reset --event-id` does, to any task that was completed. */
async function reset(site: Site, draw: number, taskDraw: number, closed: boolean): Promise<boolean> {
  return withTemporal(site, async () => {
    const workflowExecution = await pickWorkflow(site, draw, closed);
    if (workflowExecution === undefined) return false;
    const { workflowId, runId } = workflowExecution;
    const { events } = await site.temporal.workflow.getHandle(workflowId, runId).fetchHistory();
    const tasks = (events ?? []).filter(
      ({ workflowTaskCompletedEventAttributes }) => workflowTaskCompletedEventAttributes,
    );
    const eventId = tasks[Math.floor(taskDraw * tasks.length)]?.eventId;
    if (!eventId) return false;
    await site.temporal.workflowService.resetWorkflowExecution({
      namespace: 'default',
      workflowExecution,
      workflowTaskFinishEventId: eventId,
      requestId: randomUUID(),
      reason: REASON,
    });
    return true;
  });
}
