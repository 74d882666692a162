import type { TextActivities, TextOutcome } from '../../../contracts/activities.ts';
import type { Followed, ReconcileActivities, ReconcileProviderActivities } from '../../../contracts/reconcile.ts';
import { RECONCILE_HOLDS } from '../../../contracts/reconcile.ts';
import { GENERATE_TEXT } from '../../../contracts/temporal.ts';
import type {
  DeliverWebhookInput,
  Sent,
  WebhookLedgerActivities,
  WebhookOutboundActivities,
} from '../../../contracts/webhooks.ts';
import { DELIVER_WEBHOOK } from '../../../contracts/webhooks.ts';
import { fakeWorld, held } from '../support/fakes.ts';
import type { TestActivities } from '../support/temporal.ts';

/** The ways in which texts, deliveries and the reconciler can go. */

export interface OtherPath {
  readonly type: string;
  readonly workflowId: string;
  readonly input: unknown;
}

const TEXTS: Readonly<Record<string, TextOutcome | 'away'>> = {
  'text streamed': { outcome: 'ended' },
  'text refused by the provider': { outcome: 'refused', errorCode: 'invalid_request' },
  'text cancelled': { outcome: 'cancelled' },
  'text not made': { outcome: 'not_made', why: 'HTTP 429', retryAfterMs: null },
  'text whose writer is gone': 'away',
};

const DELIVERIES: Readonly<Record<string, readonly Sent[]>> = {
  'webhook delivered': [{ outcome: 'delivered' }],
  'webhook delivered at the third try': [
    { outcome: 'failed', why: 'answered HTTP 500' },
    { outcome: 'failed', why: 'answered HTTP 500' },
    { outcome: 'delivered' },
  ],
  'webhook never delivered': [{ outcome: 'failed', why: 'answered HTTP 500' }],
  'webhook that is over': [{ outcome: 'over' }],
};

const textIdOf = (path: string) => `script_${path.replaceAll(' ', '_')}`;

function deliveryOf(path: string): DeliverWebhookInput {
  return { owner: 'acct_00', accountId: 'acct_00', endpointId: 'we_00', eventId: path, tries: 0 };
}

export const OTHER_PATHS: Readonly<Record<string, OtherPath>> = {
  ...Object.fromEntries(
    Object.keys(TEXTS).map((path) => {
      const generationId = textIdOf(path);
      return [path, { type: GENERATE_TEXT, workflowId: generationId, input: { generationId, accountId: 'acct_00' } }];
    }),
  ),
  ...Object.fromEntries(
    Object.keys(DELIVERIES).map((path) => [path, { type: DELIVER_WEBHOOK, workflowId: path, input: deliveryOf(path) }]),
  ),
  'reconciler dry run': { type: RECONCILE_HOLDS, workflowId: 'reconciler dry run', input: { dryRun: true } },
  reconciler: { type: RECONCILE_HOLDS, workflowId: 'reconciler', input: { dryRun: false } },
};

const finding = (action: 'resume' | 'settle', isClaim = false) => ({
  ...{ generationId: `video_${action}`, accountId: 'acct_00', providerVideoId: 'pv_1', overdueMs: 700_000 },
  ...{ isClaim, action, why: 'its workflow does not run' },
});
const FOLLOWED: Followed = { generationId: 'video_0', providerVideoId: 'pv_1', hasOpenAttempt: false, isOver: true };

/** Answers each path as its name says. */
export function otherActivities(now: () => Promise<number>): TestActivities {
  const world = fakeWorld({ now, placement: held({ model: 'gpt-4.1-mini', seconds: null, size: null }) });
  const reconciling: ReconcileActivities & WebhookLedgerActivities = {
    listOverdueWebhooks: async () => [deliveryOf('webhook delivered')],
    surveyHolds: async () => ({ checked: 2, findings: [finding('resume'), finding('settle')], next: null }),
    surveyArchive: async () => ({ checked: 1, findings: [finding('resume')] }),
    resumeGeneration: async () => 'resumed',
    voidLateRequests: async () => 1,
    listFollowed: async () => [FOLLOWED, { ...FOLLOWED, providerVideoId: null, hasOpenAttempt: true }],
    stopFollowing: async () => true,
    listUnclaimed: async () => ['video_1'],
    compareBalances: async () => ({ accounts: 3, differences: 0 }),
  };
  const asking: ReconcileProviderActivities & TextActivities = {
    deleteUnclaimed: async () => true,
    findOrphans: async () => ({ count: 0, sample: [] }),
    writeText: async ({ generationId }) => {
      const [, written = 'away'] = Object.entries(TEXTS).find(([path]) => textIdOf(path) === generationId) ?? [];
      if (written === 'away') throw new Error('its writer is alive');
      return written;
    },
  };
  const made = new Map<string, number>();
  const sending: WebhookOutboundActivities = {
    sendWebhook: async ({ eventId }) => {
      const tries = made.get(eventId) ?? 0;
      made.set(eventId, tries + 1);
      const answers = DELIVERIES[eventId] ?? [];
      return answers[tries] ?? answers.at(-1) ?? { outcome: 'over' };
    },
  };
  return {
    ledger: { ...world.ledger, ...reconciling },
    provider: { ...world.provider, ...asking },
    outbound: { ...world.outbound, ...sending },
  };
}
