import type {
  LedgerActivities,
  OutboundActivities,
  ProviderActivities,
  TextActivities,
} from '../contracts/activities.ts';
import type { ReconcileActivities, ReconcileProviderActivities } from '../contracts/reconcile.ts';
import type { SweepActivities } from '../contracts/sweep.ts';
import type { WebhookLedgerActivities, WebhookOutboundActivities } from '../contracts/webhooks.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { createLedgerActivities } from './ledgerActivities.ts';
import { createOutboundActivities } from './outboundActivities.ts';
import { createProviderActivities } from './providerActivities.ts';
import { createReconcileActivities, createReconcileProviderActivities } from './reconcileActivities.ts';
import { createSweepActivities } from './sweepProvider.ts';
import { createWebhookLedgerActivities, createWebhookOutboundActivities } from './webhookActivities.ts';

/** The activities of each task queue. */
export interface Activities {
  readonly ledger: LedgerActivities & ReconcileActivities & WebhookLedgerActivities;
  readonly provider: ProviderActivities & TextActivities & ReconcileProviderActivities & SweepActivities;
  readonly outbound: OutboundActivities & WebhookOutboundActivities;
}

export function createActivities(deps: ActivityDependencies): Activities {
  return {
    ledger: {
      ...createLedgerActivities(deps),
      ...createReconcileActivities(deps),
      ...createWebhookLedgerActivities(deps),
    },
    provider: {
      ...createProviderActivities(deps),
      ...createReconcileProviderActivities(deps),
      ...createSweepActivities(deps),
    },
    outbound: { ...createOutboundActivities(deps), ...createWebhookOutboundActivities(deps) },
  };
}

export type { ActivityDependencies } from './dependencies.ts';
export { takeTurnOfActivity } from './turns.ts';
