import type { Client } from '@temporalio/client';
import { isTemporalUp } from './connection.ts';
import { createArchives } from './archives.ts';
import { createGenerations } from './generations.ts';
import { createInspection } from './inspection.ts';
import { createReconciler } from './reconciler.ts';
import { createWebhookDeliveries } from './webhookDeliveries.ts';

/** What the product asks of Temporal, in its own words; no caller sees the client or an error class of the SDK. */
export function createTemporal(client: Client) {
  return {
    generations: createGenerations(client),
    archives: createArchives(client),
    reconciler: createReconciler(client),
    webhookDeliveries: createWebhookDeliveries(client),
    inspection: createInspection(client),
    /** Whether Temporal answers within `timeoutMs`. Never raises. */
    isUp: (timeoutMs: number) => isTemporalUp(client, timeoutMs),
  };
}

export type Temporal = ReturnType<typeof createTemporal>;
