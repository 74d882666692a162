import type { Asked } from './clients.ts';
import { PROVIDERS } from './plan.ts';
import type { ProviderName } from './plan.ts';
import { SOLD } from './sold.ts';
import type { Span } from './strikes.ts';

/** That one provider's trouble is no trouble of the other's. */

/**
 * How long after a fault a provider may still be refused: what the processes saw counts for a minute, and a client may have
 * waited for its answer.
 */
const AFTERWARDS_MS = 85_000;
/** Shorter than this, an outage may pass unseen. */
const LONG_MS = 30_000;

/** Models of a provider that nothing struck are never refused for its sake, and are sold while the other one is down. */
export function checkSales(asked: readonly Asked[], spans: readonly Span[]): string[] {
  const refused = asked.flatMap(({ request, tries }) =>
    tries.flatMap(({ providerTrouble, at_ms }) => {
      const { provider } = SOLD[request.model];
      if (providerTrouble === null || provider === null || wasStruck(spans, provider, at_ms)) return [];
      return [`request ${request.number} was told that ${provider} is ${providerTrouble}, which nothing had struck`];
    }),
  );
  const sold = soldMeanwhile(asked, spans);
  const unsold = spans
    .filter((span) => isLongOutage(span) && !sold.has(otherThan(span.provider)))
    .map(({ provider }) => `nothing of ${otherThan(provider)} was sold while ${provider} was down`);
  return [...refused, ...unsold];
}

/** How many videos of each provider were accepted during a long outage of the other one. */
export function soldMeanwhile(asked: readonly Asked[], spans: readonly Span[]): Map<ProviderName, number> {
  const counts = new Map<ProviderName, number>();
  const outages = spans.filter(isLongOutage);
  for (const { request, known, tries } of asked) {
    const { provider } = SOLD[request.model];
    const at_ms = tries.at(-1)?.at_ms ?? 0;
    if (provider === null || known.outcome !== 'accepted') continue;
    if (!outages.some((span) => span.provider !== provider && span.from_ms < at_ms && at_ms < span.to_ms)) continue;
    counts.set(provider, (counts.get(provider) ?? 0) + 1);
  }
  return counts;
}

function wasStruck(spans: readonly Span[], provider: ProviderName, at_ms: number): boolean {
  return spans.some((span) => span.provider === provider && span.from_ms < at_ms && at_ms < span.to_ms + AFTERWARDS_MS);
}

function isLongOutage({ kind, from_ms, to_ms }: Span): boolean {
  return kind === 'outage' && to_ms - from_ms >= LONG_MS;
}

function otherThan(provider: ProviderName): ProviderName {
  return PROVIDERS.find((each) => each !== provider) ?? provider;
}
