import { LedgerUnavailable } from '../../../store/index.ts';
import { ADMIN_KEY, post, type send } from './fakedApi.ts';
import { REFUSED_FIELDS } from './refusedFields.ts';

/** Requests that are refused, each with what its message says first. */

const VIDEO = '/v1/videos/video_019a0000000070008000000000000000';
const ENDPOINT = '/v1/webhook_endpoints';
const ACCOUNT = '/admin/accounts/acct_019a0000000070008000000000000000';
const answering = (value: unknown) => () => Promise.resolve(value);
const raising = (error: Error) => () => Promise.reject(error);
export const away = raising(new LedgerUnavailable(new Error('no database')));
const sales = answering({ open: false, reason: 'maintenance until 14:00 UTC.', changedAt: null });
const admitted = (outcome: string) => ({
  ledger: { getSales: sales, admitGeneration: answering({ outcome, amountMicrocredits: 571_429 }) },
});
const repeated = (outcome: string) => ({ ledger: { findRepeat: answering({ outcome }) } });
const held = { id: 'video', accountId: 'acct', apiKeyId: 'another', state: 'held', isKnown: true };
export const key = { 'idempotency-key': 'k' };
export const admin = { authorization: `Bearer ${ADMIN_KEY}` };
const nobody = { authorization: 'Bearer unknown' };
const asJson = { 'content-type': 'application/json' };
const textBody = (method: string, headers = {}): RequestInit => ({
  method,
  body: 'x',
  headers: { 'content-type': 'text/plain', ...headers },
});
const jsonText = (body: string, headers = {}): RequestInit => ({
  method: 'POST',
  body,
  headers: { ...asJson, ...headers },
});

export type Fakes = Parameters<typeof send>[2];
type Case = [what: string, said: string, path: string, init: RequestInit, fakes?: Fakes];

export const PAYING: Case[] = [
  [
    'no key',
    'This request has no API key.',
    '/v1/videos',
    { ...post({ prompt: 'x' }), headers: { authorization: '' } },
  ],
  ['an unknown key', 'This API key is unknown.', '/v1/videos', post({ prompt: 'x' }, nobody)],
  ['no field', 'prompt is required.', '/v1/videos', post({})],
  ['no body', 'prompt is required.', '/v1/videos', { method: 'POST' }],
  ['text that is a number', 'prompt must be text.', '/v1/videos', post({ prompt: 7 })],
  ['blank text', 'prompt must not be empty.', '/v1/videos', post({ prompt: ' ' })],
  ['too much text', 'prompt must have at most 32000 characters.', '/v1/videos', post({ prompt: 'a'.repeat(32_001) })],
  ...REFUSED_FIELDS,
  [
    'a dry run in the body',
    'dry_run must be a query parameter: ?dry_run=true.',
    '/v1/videos',
    post({ prompt: 'x', dry_run: true }),
  ],
  ['an unknown parameter', 'dryrun is not a known query parameter.', '/v1/videos?dryrun=true', post({ prompt: 'x' })],
  ['a wrong parameter', 'dry_run must be "true" or "false".', '/v1/videos?dry_run=yes', post({ prompt: 'x' })],
  [
    'a file id',
    'input_reference.file_id must be left out, because no files are kept here: send the image in image_url, as a base64 data: URL.',
    '/v1/videos',
    post({ prompt: 'x', input_reference: { file_id: 'f' } }),
  ],
  ['a list', 'The body must be an object.', '/v1/videos', post([])],
  ['a number of posts', 'posts must be at most', '/v1/threads', post({ topic: 'x', posts: 1000 })],
  ['half a post', 'posts must be a whole number.', '/v1/threads', post({ topic: 'x', posts: 1.5 })],
  ['a choice', 'stream must be true or false.', '/v1/scripts', post({ topic: 'x', stream: 'yes' })],
  ['bad JSON', 'The body could not be read: it is not well-formed JSON.', '/v1/videos', jsonText('{')],
  ['deep JSON', 'The body is nested more than 32 levels deep.', '/v1/videos', jsonText('['.repeat(40))],
  ['a wrong type', 'This route takes only bodies of the type', '/v1/videos', textBody('POST')],
  [
    'much JSON',
    'The body is too large: without its image it may have up to 1 MB.',
    '/v1/videos',
    jsonText(' '.repeat(2 ** 21)),
  ],
  [
    'a long key',
    'Idempotency-Key has 300 characters; it may have 255.',
    '/v1/videos',
    post({ prompt: 'x' }, { 'idempotency-key': 'k'.repeat(300) }),
  ],
  [
    'a key in use',
    'The first request with this Idempotency-Key is still being decided, which takes up to 7 s. Nothing more was held.',
    '/v1/videos',
    post({ prompt: 'x' }, key),
    repeated('in_use'),
  ],
  [
    'a key of another request',
    'This Idempotency-Key was used for a different request before. Nothing more was held.',
    '/v1/videos',
    post({ prompt: 'x' }, key),
    repeated('reused'),
  ],
  [
    'an old key',
    'This Idempotency-Key was used over 72 hours ago. Nothing more was held.',
    '/v1/videos',
    post({ prompt: 'x' }, key),
    repeated('too_old'),
  ],
  ['a model', 'model is not sold here.', '/v1/videos', post({ prompt: 'x' }), admitted('unknown_model')],
  ['a size', 'size is not sold for this model.', '/v1/videos', post({ prompt: 'x' }), admitted('unknown_size')],
  [
    'a price',
    'max_credits is 0.100000, but this video costs 0.571429 credits.',
    '/v1/videos',
    post({ prompt: 'x', max_credits: 0.1 }),
    admitted('exceeds_max_credits'),
  ],
  [
    'no credits',
    'This video costs 0.571429 credits; 0.300000 are available',
    '/v1/videos',
    post({ prompt: 'x' }),
    admitted('insufficient_credits'),
  ],
  [
    'a frozen account',
    'This account is frozen since 2026-09-21T14:13:20.000Z: it can’t begin anything new. Nothing was held. Ask the operator of this service.',
    '/v1/videos',
    post({ prompt: 'x' }),
    admitted('account_frozen'),
  ],
  [
    'many generations',
    'This account may have 10 generations in progress at once, and has them.',
    '/v1/videos',
    post({ prompt: 'x' }),
    admitted('too_many_active_generations'),
  ],
  [
    'closed sales',
    'New requests are not accepted at the moment: maintenance until 14:00 UTC.',
    '/v1/videos',
    post({ prompt: 'x' }),
    admitted('sales_closed'),
  ],
  [
    'an unknown original',
    'A completed video with this id, to be remixed, was not found.',
    `${VIDEO}/remix`,
    post({ prompt: 'x' }),
    {
      ledger: admitted('unknown_original').ledger,
      store: { getGeneration: answering({ ...held, state: 'released', provider: null }) },
    },
  ],
  [
    'an open original',
    'This video is not finished yet, so it can’t be remixed.',
    `${VIDEO}/remix`,
    post({ prompt: 'x' }),
    { store: { getGeneration: answering(held) }, ledger: { admitGeneration: raising(new Error('not reached')) } },
  ],
  [
    'no video',
    'This video was not found.',
    `${VIDEO}/claim`,
    post({}),
    { store: { getGeneration: answering(undefined) } },
  ],
  [
    'no database',
    'Holdfast is temporarily unavailable.',
    '/v1/videos',
    post({ prompt: 'x' }),
    { ledger: { admitGeneration: away } },
  ],
];

export const CHANGING: Case[] = [
  [
    'no admin key',
    'This request has no admin key.',
    '/admin/accounts',
    { ...post({}), headers: { authorization: '' } },
  ],
  ['another key', 'This is not the admin key.', '/admin/accounts', post({}, nobody)],
  ['no field', 'name is required.', '/admin/accounts', post({}, admin)],
  [
    'an unknown parameter',
    'dry_run is not a known query parameter.',
    '/admin/accounts?dry_run=true',
    post({ name: 'x' }, admin),
  ],
  [
    'a dry run in the query, where it is a field',
    'dry_run must be a field of the body: {"dry_run": true}.',
    '/admin/reconcile?dry_run=true',
    { method: 'POST', headers: admin },
  ],
  ['no body', 'name is required.', '/admin/accounts', { method: 'POST', headers: admin }],
  ['no Idempotency-Key', 'Idempotency-Key is required here.', '/admin/sales', post({ open: true, reason: 'x' }, admin)],
  [
    'a used key',
    'This Idempotency-Key was used for a different request before. Nothing more was changed.',
    '/admin/sales',
    post({ open: true, reason: 'x' }, { ...admin, ...key }),
    { ledger: { setSales: answering({ outcome: 'key_reused' }) } },
  ],
  [
    'an amount of 0',
    'amount_microcredits must not be 0.',
    `${ACCOUNT}/grants`,
    post({ amount_microcredits: 0, reason: 'x' }, { ...admin, ...key }),
  ],
  [
    'nothing to claw back',
    'This account has no available credits to claw back.',
    `${ACCOUNT}/grants`,
    post({ amount_microcredits: -1, reason: 'x' }, { ...admin, ...key }),
    { ledger: { grantCredits: answering({ outcome: 'nothing_available' }) } },
  ],
  [
    'no account',
    'This account was not found.',
    `${ACCOUNT}/grants`,
    post({ amount_microcredits: 1, reason: 'x' }, { ...admin, ...key }),
    { ledger: { grantCredits: answering({ outcome: 'unknown_account' }) } },
  ],
  [
    'a price of the past',
    'effective_from is in the past.',
    '/admin/prices',
    post(
      { model: 'm', size: '720x1280', cost_per_second_microcredits: 1, margin_basis_points: 0, effective_from: 1 },
      { ...admin, ...key },
    ),
    { ledger: { setPrice: answering({ outcome: 'in_the_past' }) } },
  ],
  [
    'a refund twice',
    'The whole charge has already been refunded.',
    '/admin/videos/video_019a0000000070008000000000000000/refund',
    post({ reason: 'x' }, { ...admin, ...key }),
    { ledger: { refundGeneration: answering({ outcome: 'nothing_left' }) } },
  ],
  [
    'a wrong type',
    'This route takes only bodies of the type application/json, in UTF-8.',
    '/admin/accounts',
    textBody('POST', admin),
  ],
  [
    'much JSON',
    'The body is too large: it may have up to 64 kB.',
    '/admin/accounts',
    jsonText(' '.repeat(70_000), admin),
  ],
  ['a large setting', 'The body is too large: it may have up to 1 MB.', ENDPOINT, jsonText(' '.repeat(2 ** 21))],
  ['no route', 'This route was not found.', '/v1/checkouts', post({})],
  ['no such method', 'This route has no method PUT.', '/admin/sales', { method: 'PUT', headers: admin }],
  [
    'an open video',
    'This video is not finished, so it can’t be deleted; its credits stay reserved until it ends.',
    VIDEO,
    { method: 'DELETE' },
    { store: { getGeneration: answering(held) } },
  ],
  [
    'a charged video',
    'This video has completed and was charged; there is nothing to cancel.',
    `${VIDEO}/cancel`,
    { method: 'POST' },
    {
      store: {
        getGeneration: answering({ ...held, state: 'charged' }),
        requestCancel: answering({ state: 'charged', first: false }),
      },
    },
  ],
  [
    'no endpoint',
    'This webhook endpoint was not found.',
    `${ENDPOINT}/we_1`,
    { method: 'DELETE' },
    { store: { deleteWebhookEndpoint: answering(false) } },
  ],
  [
    'a disabled endpoint',
    'This endpoint is disabled, so nothing is sent to it.',
    `${ENDPOINT}/we_1/deliveries/evt_1/redeliver`,
    { method: 'POST' },
    { store: { redeliverWebhook: answering({ outcome: 'disabled' }) } },
  ],
];

export const READING: Case[] = [
  ['no key', 'This request has no API key.', '/v1/credits', { headers: { authorization: '' } }],
  [
    'a key without Bearer',
    'The Authorization header must be the word Bearer, a space and the key.',
    '/v1/credits',
    { headers: { authorization: 'hf_some_key' } },
  ],
  [
    'an admin key without Bearer',
    'The Authorization header must be the word Bearer, a space and the key.',
    '/admin/sales',
    { headers: { authorization: ADMIN_KEY } },
  ],
  [
    'a date as a moment',
    'created_after must be Unix seconds, such as 1790000000.',
    '/v1/credits/transactions?created_after=2026-10-01',
    {},
  ],
  [
    'metadata that is one word',
    'metadata must be sent as metadata[key]=value, or be a JSON object.',
    '/v1/videos?metadata=winter',
    {},
  ],
  ['another admin key', 'This is not the admin key.', '/admin/sales', { headers: nobody }],
  ['no video', 'This video was not found.', VIDEO, {}, { store: { getGeneration: answering(undefined) } }],
  ['no route', 'This route was not found.', '/v1/video', {}],
  ['no page', 'This page was not found.', '/docs/secrets', {}],
  ['a limit that is too high', 'limit must be at most 100.', '/v1/videos?limit=101', {}],
  ['a limit below 0', 'limit must be at least 0.', '/v1/videos?limit=-1', {}],
  ['a limit that is no number', 'limit must be a number.', '/v1/videos?limit=many', {}],
  ['two cursors', 'after must be sent once.', '/v1/videos?after=a&after=b', {}],
  ['an order', 'order must be "asc" or "desc".', '/v1/videos?order=newest', {}],
  ['an unknown parameter', 'page is not a known query parameter.', '/v1/videos?page=2', {}],
  [
    'an open video',
    'This video is not finished yet; its credits are reserved.',
    `${VIDEO}/content`,
    {},
    { store: { getGeneration: answering(held) } },
  ],
  [
    'a failed video',
    'This video failed and was never charged',
    `${VIDEO}/content`,
    {},
    { store: { getGeneration: answering({ ...held, state: 'released', claimableUntil: null, claimedAs: null }) } },
  ],
  ['no database', 'Holdfast is temporarily unavailable.', VIDEO, {}, { store: { getGeneration: away } }],
  [
    'too many requests',
    'This API key may send 1 requests a minute, and has sent them.',
    '/v1/credits',
    {},
    { requestsPerMinute: 1, requestsBefore: 1 },
  ],
  ['no such method', 'This route has no method', `${VIDEO}/cancel`, {}],
];
