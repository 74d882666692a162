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
 * Whether somebody tells when a video ends at the provider of this identity: it sends webhooks, or its list is swept and shows what is
 * open. Its videos are then asked for less often.
 */
export async function isToldOfEnds({ providers, store }: Told, identity: string | null): Promise<boolean> {
  const provider = providers.bound(identity);
  if (provider === undefined) return false;
  if (provider.readWebhook !== null) return true;
  if (provider.sweepIntervalMs === null) return false;
  // An attempt is recorded by now, and its video must be looked at whatever becomes of this.
  return store.sweepTells(provider.identity).catch(() => false);
}
