import type { ToldBy } from '../contracts/pollPlan.ts';
import type { Provider, Providers } from '../provider/index.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { notConfigured } from './transient.ts';

interface Configured {
  readonly providers: Providers;
}

interface Told extends Configured {
  readonly store: Pick<ActivityDependencies['store'], 'sweepTells'>;
}

/**
 * The provider that a generation is bound to. Raises a failure that is a fault of ours where it is not configured: nothing is
 * concluded then, and its hold waits.
 */
export function boundProvider({ providers }: Configured, identity: string | null): Provider {
  const provider = providers.bound(identity);
  if (provider === undefined) throw notConfigured(identity);
  return provider;
}

/**
 * Who tells when a video ends at the provider of this identity: the sweep of its list where that shows what is open, else its
 * webhooks. Its videos are then asked for less often; least beside the sweep, which misses no end for long, as a lost webhook does.
 */
export async function whoTellsOfEnds({ providers, store }: Told, identity: string | null): Promise<ToldBy> {
  const provider = providers.bound(identity);
  if (provider === undefined) return 'nobody';
  const isSwept = provider.sweepIntervalMs !== null;
  // An attempt is recorded by now, and its video must be looked at whatever becomes of this.
  if (isSwept && (await store.sweepTells(provider.identity).catch(() => false))) return 'sweep';
  return provider.readWebhook === null ? 'nobody' : 'webhooks';
}
