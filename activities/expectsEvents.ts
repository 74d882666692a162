import type { Providers } from '../provider/index.ts';

/** Whether the provider of this identity is set up to send webhooks: its videos are then asked for less often. */
export function expectsEvents({ providers }: { readonly providers: Providers }, identity: string | null): boolean {
  return (providers.bound(identity)?.readWebhook ?? null) !== null;
}
