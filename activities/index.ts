import type {
  LedgerActivities,
  OutboundActivities,
  ProviderActivities,
  TextActivities,
} from '../contracts/activities.ts';
import type { ReconcileActivities, ReconcileProviderActivities } from '../contracts/reconcile.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { createLedgerActivities } from './ledgerActivities.ts';
import { createOutboundActivities } from './outboundActivities.ts';
import { createProviderActivities } from './providerActivities.ts';
import { createReconcileActivities, createReconcileProviderActivities } from './reconcileActivities.ts';

/** The activities of each task queue. */
export interface Activities {
  readonly ledger: LedgerActivities & ReconcileActivities;
  readonly provider: ProviderActivities & TextActivities & ReconcileProviderActivities;
  readonly outbound: OutboundActivities;
}

export function createActivities(deps: ActivityDependencies): Activities {
  return {
    ledger: { ...createLedgerActivities(deps), ...createReconcileActivities(deps) },
    provider: { ...createProviderActivities(deps), ...createReconcileProviderActivities(deps) },
    outbound: createOutboundActivities(deps),
  };
}

export type { ActivityDependencies, Alarm } from './dependencies.ts';
