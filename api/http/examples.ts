import {
  ApiError,
  type ApiErrorCode,
  envelopeOf,
  fileTooLarge,
  internalError,
  notFound,
  unavailable,
  unsupportedMediaType,
} from './errors.ts';
import { keyReused } from './idempotencyKey.ts';
import { OFFER_EXAMPLES } from './offerExamples.ts';

/** What the OpenAPI document shows as examples; a test holds each of them to its schema. */

const accountId = 'acct_019a0000000070008000000000000000';
const keyId = 'key_019a0000000070008000000000000000';
const videoId = 'video_019a0000000070008000000000000000';
const endpointId = 'we_019a0000000070008000000000000000';
const eventId = 'evt_019a0000000070008000000000000000';
const moment = 1790000000;

/** One page with this on it, and no other behind it. */
export function pageOf<Item extends { id: string }>(item: Item) {
  return { object: 'list' as const, data: [item], first_id: item.id, last_id: item.id, has_more: false };
}

/** What the API sends with these statuses; test/integration/api-examples.test.ts compares them. */
const errors = {
  400: refusal(
    'invalid_request',
    'seconds must be one of "4", "8", "12", "16" or "20", as text. Nothing was held. GET /v1/models lists what is sold of each model.',
    'seconds',
  ),
  401: refusal(
    'invalid_api_key',
    'This API key is unknown. Send a valid key as: Authorization: Bearer <key>. The operator of this service issues them.',
  ),
  402: refusal(
    'insufficient_credits',
    'This video costs 0.571429 credits; 0.300000 are available (1.144488 more are reserved for 2 videos and 1 script in progress). Nothing was held. Ask the operator of this service for more credits.',
  ),
  403: refusal(
    'account_frozen',
    'This account is frozen since 2026-09-21T14:13:20.000Z: it can’t begin anything new. Nothing was held. Ask the operator of this service.',
  ),
  404: envelopeOf(notFound('This video'), 'reading'),
  409: refusal(
    'video_not_terminal',
    'This video is not finished, so it can’t be deleted; its credits stay reserved until it ends. Nothing was changed.',
  ),
  413: envelopeOf(fileTooLarge('input_reference'), 'paying'),
  415: envelopeOf(unsupportedMediaType('multipart/form-data or application/json'), 'paying'),
  422: envelopeOf(keyReused(), 'paying'),
  429: refusal(
    'too_many_active_generations',
    'This account may have 10 generations in progress at once, and has them. Nothing was held. Try again when one of them has ended.',
  ),
  500: envelopeOf(internalError('019a0000-0000-7000-8000-000000000000'), 'reading'),
  503: envelopeOf(unavailable(), 'reading'),
};

/** Its message is the whole one. */
function refusal(code: ApiErrorCode, message: string, param?: string) {
  return envelopeOf(new ApiError(code, message, param === undefined ? {} : { param }), 'reading');
}

const video = {
  id: videoId,
  object: 'video',
  model: 'sora-2',
  status: 'in_progress',
  progress: 33,
  created_at: moment,
  completed_at: null,
  expires_at: null,
  prompt: 'a red fox runs through fresh snow',
  size: '720x1280',
  seconds: '4',
  remixed_from_video_id: null,
  error: null,
  user: 'user-1234',
  metadata: { project: 'winter' },
  credits: {
    state: 'held',
    amount_microcredits: 571429,
    amount: '0.571429',
    hold_id: 'hold_019a0000000070008000000000000000',
    hold_expires_at: moment + 3600,
    settled_at: null,
    claimable: false,
    claimable_until: null,
    claimed_from: null,
    claimed_as: null,
    message: '0.571429 credits are reserved for this video; they are charged only when it completes.',
  },
} as const;

const apiKey = {
  id: keyId,
  object: 'api_key',
  account_id: accountId,
  name: 'production',
  scopes: ['videos:read', 'videos:write'],
  expires_at: null,
  daily_limit_microcredits: 50000000,
  monthly_limit_microcredits: null,
  requests_per_minute: null,
  created_at: moment,
  revoked_at: null,
} as const;

const webhookEndpoint = {
  id: endpointId,
  object: 'webhook_endpoint',
  url: 'https://example.com/webhooks/holdfast',
  events: ['video.completed', 'video.failed'],
  status: 'enabled',
  disabled_reason: null,
  failing_since: null,
  created_at: moment,
} as const;

export const EXAMPLE = {
  ...OFFER_EXAMPLES,
  video,
  videoEvents: `event: progress\nid: 3\ndata: ${JSON.stringify(video)}\n\n`,
  createVideo: {
    ...{ model: 'sora-2', prompt: 'a red fox runs through fresh snow', seconds: '4', size: '720x1280' },
    ...{ user: 'user-1234', metadata: { project: 'winter' } },
  },
  credits: {
    object: 'credits',
    account_id: accountId,
    available_microcredits: 9428571,
    available: '9.428571',
    held_microcredits: 571429,
    held: '0.571429',
  },
  creditTotals: {
    granted_microcredits: 10000000,
    clawed_back_microcredits: 0,
    charged_microcredits: 0,
    refunded_microcredits: 0,
  },
  price: {
    object: 'price',
    model: 'sora-2',
    size: '720x1280',
    seconds: '4',
    amount_microcredits: 571429,
    amount: '0.571429',
  },
  creditHold: {
    id: 'hold_019a0000000070008000000000000000',
    object: 'credit_hold',
    generation_id: videoId,
    video_id: videoId,
    state: 'active',
    amount_microcredits: 571429,
    amount: '0.571429',
    created_at: moment,
    expires_at: moment + 3600,
  },
  creditTransaction: {
    id: '42',
    object: 'credit_transaction',
    kind: 'hold',
    generation_id: videoId,
    video_id: videoId,
    reason: null,
    available_change_microcredits: -571429,
    available_change: '-0.571429',
    held_change_microcredits: 571429,
    held_change: '0.571429',
    available_microcredits: 9428571,
    available: '9.428571',
    held_microcredits: 571429,
    held: '0.571429',
    created_at: moment,
  },
  transactionsCsv: [
    'created_at,id,kind,generation_id,reason,available_change,available_change_microcredits,held_change,held_change_microcredits,available,available_microcredits,held,held_microcredits',
    `2026-09-21T14:13:20.000Z,42,hold,${videoId},,-0.571429,-571429,0.571429,571429,9.428571,9428571,0.571429,571429`,
    '',
  ].join('\n'),
  timelineStep: {
    object: 'timeline.step',
    sequence: 2,
    at: '2026-11-23T06:45:17.900Z',
    type: 'held',
    message: 'Hold of 0.571429 credits placed',
  },
  deletedVideo: { id: videoId, object: 'video.deleted', deleted: true },
  providerEvent:
    '{"id":"evt_1","object":"event","type":"video.completed","created_at":1790000000,"data":{"id":"video_1"}}',
  account: { id: accountId, object: 'account', name: 'Acme', created_at: moment },
  accountStanding: {
    id: accountId,
    object: 'account',
    name: 'Acme',
    available_microcredits: 9428571,
    held_microcredits: 571429,
    active_generations: 1,
    frozen_at: null,
    created_at: moment,
  },
  accountFrozen: { id: accountId, object: 'account', frozen: true },
  newApiKey: { name: 'production', scopes: ['videos:read', 'videos:write'], daily_limit_microcredits: 50000000 },
  apiKey,
  apiKeyShownOnce: { ...apiKey, key: 'hf_shown-this-once' },
  webhookEndpoint,
  newWebhookEndpoint: { url: webhookEndpoint.url, events: ['video.completed', 'video.failed'] },
  webhookEndpointCreated: { ...webhookEndpoint, secret: 'whsec_shown-this-once' },
  webhookEndpointDeleted: { id: endpointId, object: 'webhook_endpoint.deleted', deleted: true },
  webhookSecretRotated: {
    id: endpointId,
    object: 'webhook_endpoint.secret',
    secret: 'whsec_shown-this-once',
    previous_secret_valid_until: moment + 86400,
  },
  webhookDelivery: {
    id: eventId,
    object: 'webhook_delivery',
    type: 'video.completed',
    account_id: accountId,
    video_id: videoId,
    state: 'delivered',
    attempts: 1,
    last_status: 200,
    last_error: null,
    last_attempt_at: moment,
    next_attempt_at: null,
    created_at: moment,
  },
  webhookRedelivery: { id: eventId, object: 'webhook_delivery', state: 'pending' },
  apiKeyRevoked: { id: keyId, object: 'api_key', revoked_at: moment },
  grant: {
    object: 'grant',
    transaction_id: 41,
    account_id: accountId,
    amount_microcredits: 10000000,
    available_microcredits: 10000000,
  },
  reconciliation: {
    object: 'reconciliation',
    dry_run: true,
    holds_checked: 12,
    acts: [
      {
        generation_id: videoId,
        action: 'resume',
        why: 'no workflow runs, and the hold has time left',
        outcome: 'would',
      },
    ],
    acts_made: 1,
    holds_overdue: null,
    requests_voided: null,
    followed: null,
    follow_ended: null,
    videos_deleted: null,
    orphans: { count: 0, sample: [] },
    webhooks_resumed: null,
    accounts_compared: 50,
    differences: 0,
  },
  refund: {
    object: 'refund',
    generation_id: videoId,
    video_id: videoId,
    transaction_id: 44,
    amount_microcredits: 571429,
    refundable_microcredits: 0,
  },
  setPrice: {
    model: 'sora-2',
    size: '720x1280',
    cost_per_second_microcredits: 100000,
    margin_basis_points: 3000,
    effective_from: moment,
  },
  setTextPrice: {
    model: 'gpt-4.1-mini',
    input_cost_microcredits_per_million_tokens: 250000,
    output_cost_microcredits_per_million_tokens: 2000000,
    margin_basis_points: 3000,
  },
  textPriceSet: { object: 'text_price', id: 2, model: 'gpt-4.1-mini', effective_from: moment },
  priceSet: { object: 'price', id: 7, model: 'sora-2', size: '720x1280', effective_from: moment },
  overview: {
    object: 'overview',
    active_generations: 3,
    held_microcredits: 1714287,
    stuck_holds: 0,
    charged_today: 120,
    charged_today_microcredits: 68571480,
    released_today: 4,
    released_today_microcredits: 2285716,
    refunded_today: 1,
    refunded_today_microcredits: 571429,
    failures: [{ code: 'moderation_blocked', generations: 3 }],
    sales: { object: 'sales', open: true, reason: null, changed_at: null },
  },
  sales: { object: 'sales', open: true, reason: null, changed_at: null },
  emergencyRelease: {
    object: 'emergency_release',
    id: videoId,
    account_id: accountId,
    amount_microcredits: 571429,
    released_at: moment,
    provider_status: 'completed',
  },
  doctor: {
    object: 'doctor',
    ok: false,
    checks: [
      { name: 'database', ok: true, message: 'PostgreSQL answers in 2 ms.' },
      {
        name: 'workers holdfast-provider',
        ok: false,
        message: 'No worker has polled holdfast-provider for 90 s: start one (npm run worker), or look at its log.',
      },
    ],
  },
  errors,
} as const;
