import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { Alarm } from '../contracts/alarms.ts';

export function createMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'holdfast_' });
  return registry;
}

/** Serves `/metrics` on a port of its own, which clients need not reach. Returns that port and how to stop. */
export async function serveMetrics(registry: Registry, host: string, port: number) {
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    void registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

const HELP: Record<Alarm, string> = {
  settlement_conflict: 'Requested settlements that differ from the settlement on record.',
  settlement_refused: 'Settlements that a rule or a constraint of the database refused.',
  provider_operator_fault:
    'Submissions that the provider refused for a fault of the operator: key, rights, quota, billing.',
  provider_id_conflict: "Submissions that the provider answered with the id of another generation's video.",
  cancel_unclear: 'Cancels that were sent to the provider and whose answer did not prove that the work was ended.',
  provider_busy: 'Calls that had to wait, because their provider gets as many requests a minute as it may.',
  generation_resumed: 'Workflows that the reconciler started again.',
  generation_stranded: 'Checks that found open generations whose version of the workflows no worker runs any more.',
  reconciler_run: 'Completed runs of the reconciler; alert when this stops growing.',
  reconciler_silent: "Triggers of the reconciler's schedule after it had missed three runs.",
  ledger_difference: 'Rows of ledger_drift that the reconciler found.',
  provider_cost_lost_microcredits: 'Price of the videos that completed after their refund and that nobody claimed.',
  made_otherwise: 'Completed videos of which the provider says that something else was made than was sold.',
  content_otherwise: 'Archived videos whose file shows something else than was sold.',
  content_gone: 'Charged videos whose content could not be archived before its link died.',
  content_unusable: 'Videos for which the provider sent bytes that are not a complete video.',
  content_refunded: 'Charged videos that were refunded because their content was gone before their owner received it.',
  content_refund_refused:
    'Refunds for a content that is lost, or shows less than was charged, that the database refused.',
  webhook_endpoint_disabled:
    'Webhook endpoints that were disabled because they are gone or accepted nothing for three days.',
  hold_overdue:
    'Attempts to settle a hold past its end that failed by a fault of ours; each hold is retried without limit.',
  emergency_release: 'Holds that were released because their outcome could not be recorded.',
};

/** A counter for each alarm: `holdfast_settlement_conflict_total` and so on. */
export function countAlarms(registry: Registry): (alarm: Alarm, amount?: number) => void {
  const counters = new Map(
    Object.entries(HELP).map(([alarm, help]) => [
      alarm,
      new Counter({ name: `holdfast_${alarm}_total`, help, registers: [registry] }),
    ]),
  );
  return (alarm, amount = 1) => counters.get(alarm)?.inc(amount);
}

const GAUGES = {
  orphan_videos: 'Videos at the provider that belong to no generation.',
  stranded_generations: 'Open generations whose version of the workflows no worker runs.',
} as const;

/** A gauge for each of what was seen last: `holdfast_orphan_videos` and so on. */
export function observeGauges(registry: Registry): (gauge: keyof typeof GAUGES, value: number) => void {
  const gauges = new Map(
    Object.entries(GAUGES).map(([gauge, help]) => [
      gauge,
      new Gauge({ name: `holdfast_${gauge}`, help, registers: [registry] }),
    ]),
  );
  return (gauge, value) => gauges.get(gauge)?.set(value);
}

/**
 * The sweeps of providers' lists: `holdfast_sweep_lists_total` by provider and result, `holdfast_sweep_nudges_total` by provider and
 * reason, and when a page was last read, `holdfast_sweep_last_read_timestamp_seconds`.
 */
export function observeSweeps(registry: Registry) {
  const registers = [registry];
  const lists = new Counter({
    name: 'holdfast_sweep_lists_total',
    help: 'Pages of a provider’s list that its sweep asked for, by result.',
    labelNames: ['provider', 'result'],
    registers,
  });
  const nudges = new Counter({
    name: 'holdfast_sweep_nudges_total',
    help: 'Workflows that were told to look at their video, because the list showed it ended or did not show it any more.',
    labelNames: ['provider', 'reason'],
    registers,
  });
  const lastRead = new Gauge({
    name: 'holdfast_sweep_last_read_timestamp_seconds',
    help: 'When the sweep last read a page of the provider’s list; it reads none while nothing is open there.',
    labelNames: ['provider'],
    registers,
  });
  return {
    listed: (provider: string, result: string) => {
      lists.inc({ provider, result });
      if (result === 'read') lastRead.setToCurrentTime({ provider });
    },
    nudged: (provider: string, reason: string, workflows: number) => nudges.inc({ provider, reason }, workflows),
  };
}

/** `holdfast_provider_up` by provider: 0 while nothing new is begun there, because it does not answer the workers' probes. */
export function observeProviders(registry: Registry): (provider: string, isUp: boolean) => void {
  const up = new Gauge({
    name: 'holdfast_provider_up',
    help: 'Whether new requests are taken for this provider: 0 while it does not answer our probes.',
    labelNames: ['provider'],
    registers: [registry],
  });
  return (provider, isUp) => up.set({ provider }, isUp ? 1 : 0);
}

/**
 * `holdfast_provider_webhooks_total` by provider and outcome. `unverified`: not sent by the provider, or our secret is not the
 * provider's.
 */
export function countWebhooks(registry: Registry): (provider: string, outcome: string) => void {
  const webhooks = new Counter({
    name: 'holdfast_provider_webhooks_total',
    help: 'Webhooks received from providers, by provider and outcome.',
    labelNames: ['provider', 'outcome'],
    registers: [registry],
  });
  return (provider, outcome) => webhooks.inc({ provider, outcome });
}

/** `holdfast_starts_refused_total` by reason: requests for generations that were refused at the door, before anything was written. */
export function countRefusedStarts(registry: Registry): (reason: string) => void {
  const refused = new Counter({
    name: 'holdfast_starts_refused_total',
    help: 'Requests for generations that were refused because they could not be begun soon, by reason.',
    labelNames: ['reason'],
    registers: [registry],
  });
  return (reason) => refused.inc({ reason });
}

/** `holdfast_starts_under_way` and `holdfast_starts_waiting`. */
export function observeDoor(
  registry: Registry,
  door: { readonly underWay: number; readonly waiting: number; readonly perSecond: number },
): void {
  const gauges: [string, string, () => number][] = [
    ['under_way', 'Starts of generations whose hold is being placed.', () => door.underWay],
    ['waiting', 'Requests for generations that wait in the line of their turn.', () => door.waiting],
    ['per_second', 'How many starts this process takes for possible in a second, as measured.', () => door.perSecond],
  ];
  for (const [name, help, read] of gauges) {
    new Gauge({
      name: `holdfast_starts_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  }
}
