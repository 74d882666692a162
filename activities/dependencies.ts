import type { CrashPoint } from '../contracts/crashPoints.ts';
import type { Ledger } from '../ledger/index.ts';
import type { Provider } from '../provider/index.ts';

export interface ProviderDependencies {
  readonly ledger: Ledger;
  readonly provider: Provider;
  /** Whether the provider was set up to send webhooks. */
  readonly providerEventsExpected: boolean;
  /** A video that isn't in the provider's list this long after its create was begun was never made. */
  readonly lookForCreateMs: number;
  readonly count: (alarm: 'provider_operator_fault') => void;
  readonly at: CrashPoint;
}
