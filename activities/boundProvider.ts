import type { Provider, Providers } from '../provider/index.ts';
import { notConfigured } from './transient.ts';

interface Configured {
  readonly providers: Providers;
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

/** Whether the provider of this identity is set up to send webhooks: its videos are then asked for less often. */
export function expectsEvents({ providers }: Configured, identity: string | null): boolean {
  return (providers.bound(identity)?.readWebhook ?? null) !== null;
}
