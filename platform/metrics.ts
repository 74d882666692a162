import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { Alarm } from '../contracts/alarms.ts';

export function createMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'holdfast_' });
  return registry;
}

/** Serves `/metrics` on its own port, away from clients. Answers with how to stop it and the port that it got. */
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
  settlement_conflict: 'Settlements asked for that differ from the one that stands.',
  settlement_refused: 'Settlements that a rule or a constraint of the ledger refused.',
  provider_operator_fault: 'Creates refused for what the operator owes the provider: key, rights, quota, billing.',
  provider_id_conflict: "Creates that were answered with the id of another generation's video.",
  generation_resumed: 'Workflows that the reconciler had to start again.',
  reconciler_run: 'Runs of the reconciler that came to their end; alert when it grows no more.',
  ledger_difference: 'Rows of ledger_drift that the reconciler met.',
  provider_cost_lost_microcredits: 'What videos had cost that completed after their refund and that nobody claimed.',
  content_gone: 'Charged videos whose content could not be archived before its link was dead.',
  content_unusable: 'Videos of which the provider sent something that is no complete video.',
  content_refunded: 'Charged videos that were refunded because nobody had their content before it was gone.',
  content_refund_refused: 'Refunds that were due because a content is gone, and that the ledger refused.',
  webhook_endpoint_disabled:
    'Webhook endpoints of tenants that were disabled: gone, or nothing accepted for three days.',
  hold_overdue:
    'Times that a hold past its end could not be settled by a fault of our own; each is tried on without end.',
  emergency_release: 'Holds released because their outcome could not be recorded.',
};

/** Counters that an operator is alerted by: `holdfast_settlement_conflict_total` and so on. */
export function countAlarms(registry: Registry): (alarm: Alarm, amount?: number) => void {
  const counters = new Map(
    Object.entries(HELP).map(([alarm, help]) => [
      alarm,
      new Counter({ name: `holdfast_${alarm}_total`, help, registers: [registry] }),
    ]),
  );
  return (alarm, amount = 1) => counters.get(alarm)?.inc(amount);
}

/** What the reconciler saw last: `holdfast_orphan_videos`. */
export function observeGauges(registry: Registry): (gauge: 'orphan_videos', value: number) => void {
  const orphans = new Gauge({
    name: 'holdfast_orphan_videos',
    help: 'Videos at the provider that no generation owns.',
    registers: [registry],
  });
  return (_gauge, value) => orphans.set(value);
}

/** `holdfast_provider_webhooks_total` by outcome: `unverified` is somebody else, or a secret that is not the provider's. */
export function countWebhooks(registry: Registry): (outcome: string) => void {
  const webhooks = new Counter({
    name: 'holdfast_provider_webhooks_total',
    help: 'Webhooks that came in, by what they came to.',
    labelNames: ['outcome'],
    registers: [registry],
  });
  return (outcome) => webhooks.inc({ outcome });
}
