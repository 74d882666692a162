import { beforeAll, describe, expect, it } from 'vitest';
import { LedgerUnavailable } from '../../store/index.ts';
import { ADMIN_KEY, post, send } from '../harness/support/fakedApi.ts';
import { type OpenApi, type Operation, readDocument } from '../harness/support/openapi.ts';

/** The errors that /openapi.json shows are those that the very operation sends, word for word. */

type Sent = ReturnType<typeof send>;
type Fakes = Parameters<typeof send>[2];

const LISTS_OF_MODELS = ['listModels', 'listPrices', 'listTextPrices', 'listOffers'];

interface Route extends Operation {
  readonly method: string;
  readonly path: string;
}

let document: OpenApi;
beforeAll(async () => {
  document = await readDocument();
});
const routes = (): Route[] =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
  );
const exampleOf = ({ responses }: Route, status: number) =>
  responses[status]?.content?.['application/json']?.example as { error: { code: string; message: string } } | undefined;
const isPaying = ({ method, parameters = [] }: Route) =>
  method === 'POST' && parameters.some(({ name }) => name === 'dry_run');
const isAdmin = ({ path }: Route) => path.startsWith('/admin/');
const isOfCustomer = ({ path }: Route) => path.startsWith('/v1/');
const takesBody = ({ method }: Route) => method !== 'GET';
const takesJson = ({ requestBody }: Route) => requestBody?.content['application/json'] !== undefined;

const raising = (error: Error): Fakes => ({ store: { findCaller: () => Promise.reject(error) } });
const request = ({ method }: Route, headers: Record<string, string> = {}, body?: string): RequestInit => ({
  method,
  headers,
  ...(body !== undefined && { body }),
});
const ask = (route: Route, headers?: Record<string, string>, body?: string, fakes?: Fakes, query = ''): Sent => {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => IDS[name] ?? 'unknown');
  const key = isAdmin(route) ? { authorization: `Bearer ${ADMIN_KEY}` } : {};
  return send(`${path}${query}`, request(route, { ...key, ...headers }, body), fakes);
};
const IDS: Record<string, string> = {
  video_id: `video_${'0'.repeat(32)}`,
  script_id: `script_${'0'.repeat(32)}`,
  thread_id: `thread_${'0'.repeat(32)}`,
};
const JSON_TYPE = { 'content-type': 'application/json' };

const absent = {
  store: { getGeneration: async () => undefined, getText: async () => undefined, listEvents: async () => [] },
};
const scopes = { apiKeyId: 'key', accountId: 'acct', rotatedFrom: 'key', scopes: [], requestsPerMinute: null };

/** What every operation for which it is true is asked, and answers with this status. */
const GENERAL: Record<string, [status: number, applies: (route: Route) => boolean, ask: (route: Route) => Sent]> = {
  'an unknown key': [
    401,
    (route) => isOfCustomer(route) || isAdmin(route),
    (route) => ask(route, { authorization: 'Bearer unknown' }),
  ],
  'a key without the scope': [
    403,
    isOfCustomer,
    (route) =>
      ask(route, {}, undefined, { store: { findCaller: async () => ({ standing: 'valid', caller: scopes }) } }),
  ],
  'a body that is too large': [
    413,
    (route) => takesBody(route) && (isOfCustomer(route) || isAdmin(route)) && route.path !== '/v1/videos',
    (route) => ask(route, JSON_TYPE, JSON.stringify('x'.repeat(1024 * 1024))),
  ],
  'a body of another type': [
    415,
    (route) => takesBody(route) && (isOfCustomer(route) || isAdmin(route)),
    (route) => ask(route, { 'content-type': 'text/plain' }, 'a fox'),
  ],
  'a key that asks too often': [
    429,
    (route) => isOfCustomer(route) && !isPaying(route),
    (route) => ask(route, {}, undefined, { requestsPerMinute: 600, requestsBefore: 600 }),
  ],
  'a bug': [
    500,
    isOfCustomer,
    (route) =>
      ask(route, { 'x-request-id': '019a0000-0000-7000-8000-000000000000' }, undefined, raising(new Error('a bug'))),
  ],
  'a database that is away': [
    503,
    isOfCustomer,
    (route) => ask(route, {}, undefined, raising(new LedgerUnavailable(new Error('away')))),
  ],
  'a body that is no JSON': [
    400,
    (route) => takesJson(route) && route.path !== '/v1/videos',
    (route) => ask(route, JSON_TYPE, '{'),
  ],
  'a query that is wrong': [
    400,
    (route) => !takesJson(route) && !route.path.endsWith('/content'),
    (route) => {
      const isList = route.method === 'GET' && route.parameters?.some(({ name }) => name === 'limit');
      return ask(route, {}, undefined, undefined, isList === true ? '?limit=101' : '?unknown=1');
    },
  ],
  'an id that is not there': [
    404,
    ({ path }) => /^\/v1\/(videos|scripts|threads)\/\{[a-z_]+\}(\/(timeline|events|content|cancel))?$/.test(path),
    (route) => ask(route, {}, undefined, absent),
  ],
};

describe('the example of an error in /openapi.json', () => {
  it.each(Object.entries(GENERAL))('is what every operation sends to %s', async (_what, [status, applies, asked]) => {
    const shown = routes().filter((route) => applies(route) && exampleOf(route, status) !== undefined);
    expect(shown.length).toBeGreaterThan(5);
    for (const route of shown) {
      const sent = await asked(route);
      // How long a key has to wait depends on the moment.
      const body = JSON.parse(JSON.stringify(sent.body).replace(/Try again in \d+ s/, 'Try again in 12 s')) as unknown;
      expect([route.operationId, sent.status, body]).toEqual([route.operationId, status, exampleOf(route, status)]);
    }
  });

  const PRICE = 571_429;
  const admission = (outcome: string): Fakes => {
    const admit = () => Promise.resolve({ outcome, amountMicrocredits: PRICE });
    return { ledger: { admitGeneration: admit, admitText: admit } };
  };
  const repeated = (outcome: object): Fakes => ({ ledger: { findRepeat: () => Promise.resolve(outcome) } });
  const keyed = { 'idempotency-key': 'k' };
  const DELETED = { outcome: 'replay', answer: null, status: 200, generationId: null, amountMicrocredits: PRICE };
  const BODIES = {
    createVideo: ['/v1/videos', { prompt: 'a fox' }],
    createScript: ['/v1/scripts', { topic: 'a fox' }],
  } as const;
  const held = { id: 'video', accountId: 'acct', apiKeyId: 'another', state: 'held', isKnown: true };
  const released = { ...held, state: 'released', claimedAs: null, claimableUntil: null };
  const text = { ...held, id: IDS['script_id'], kind: 'script' };
  const largeFile = (): FormData => {
    const form = new FormData();
    form.set('prompt', 'a fox');
    form.set('input_reference', new File([new Uint8Array(11 * 1024 * 1024)], 'a.png'));
    return form;
  };
  const paying = (operationId: keyof typeof BODIES): [string, number, () => Sent][] => {
    const [path, body] = BODIES[operationId];
    return [
      [operationId, 402, () => send(path, post(body), admission('insufficient_credits'))],
      [operationId, 404, () => send(path, post(body, keyed), repeated(DELETED))],
      [
        operationId,
        409,
        () => send(path, post(body, keyed), { ...repeated({ outcome: 'in_use' }), startTimeoutMs: 20_000 }),
      ],
      [operationId, 422, () => send(path, post(body, keyed), repeated({ outcome: 'reused' }))],
      [operationId, 429, () => send(path, post(body), admission('too_many_active_generations'))],
    ];
  };
  const video = `/v1/videos/${IDS['video_id']}`;
  const claimed = (outcome: string): Fakes => ({
    store: { getGeneration: async () => released },
    ledger: { claimGeneration: async () => ({ outcome }) },
  });
  const ACCOUNT = `acct_${'0'.repeat(32)}`;
  const GRANT = { amount_microcredits: -1, reason: 'r' };
  const TEXT_PRICE = {
    model: 'm',
    input_cost_microcredits_per_million_tokens: 1,
    output_cost_microcredits_per_million_tokens: 1,
    margin_basis_points: 0,
  };
  const asOperator = (path: string, body: object, act: string, outcome: string): Sent =>
    send(`/admin${path}`, post(body, { authorization: `Bearer ${ADMIN_KEY}`, ...keyed }), {
      ledger: { [act]: async () => ({ outcome }) },
    });
  it.each([
    ...paying('createVideo'),
    ...paying('createScript'),
    [
      'createVideo',
      400,
      () => {
        const answer = { param: 'seconds', fault: 'no_value', rule: { values: [4, 8, 12, 16, 20] } };
        const ledger = { admitGeneration: async () => ({ outcome: 'refused', answer }) };
        return send('/v1/videos', post({ prompt: 'a fox', seconds: '5' }), { ledger });
      },
    ],
    ['createVideo', 413, () => send('/v1/videos', { method: 'POST', body: largeFile() })],
    ['downloadVideoContent', 400, () => send(`${video}/content?variant=x`, {})],
    [
      'downloadVideoContent',
      402,
      () => send(`${video}/content`, {}, { store: { getGeneration: async () => released } }),
    ],
    ['deleteVideo', 409, () => send(video, { method: 'DELETE' }, { store: { getGeneration: async () => held } })],
    [
      'deleteScript',
      409,
      () => {
        const store = { getText: async () => text, deleteGeneration: async () => false };
        return send(`/v1/scripts/${IDS['script_id']}`, { method: 'DELETE' }, { store });
      },
    ],
    [
      'cancelVideo',
      409,
      () => {
        const store = {
          getGeneration: async () => held,
          requestCancel: async () => ({ state: 'charged', first: false }),
        };
        return send(`${video}/cancel`, { method: 'POST' }, { store });
      },
    ],
    ['claimVideo', 409, () => send(`${video}/claim`, post({}), claimed('not_claimable'))],
    ['claimVideo', 404, () => send(`${video}/claim`, post({}), claimed('unknown'))],
    ['remixVideo', 404, () => send(`${video}/remix`, post({ prompt: 'a fox' }), absent)],
    ['grantCredits', 402, () => asOperator(`/accounts/${ACCOUNT}/grants`, GRANT, 'grantCredits', 'nothing_available')],
    ['grantCredits', 404, () => asOperator('/accounts/unknown/grants', GRANT, 'grantCredits', 'unknown_account')],
    ['grantCredits', 422, () => asOperator(`/accounts/${ACCOUNT}/grants`, GRANT, 'grantCredits', 'key_reused')],
    ['refundVideo', 404, () => asOperator('/videos/unknown/refund', { reason: 'r' }, 'refundGeneration', 'unknown')],
    [
      'refundVideo',
      409,
      () => asOperator(`/videos/${IDS['video_id']}/refund`, { reason: 'r' }, 'refundGeneration', 'not_charged'),
    ],
    ['setTextPrice', 409, () => asOperator('/text_prices', TEXT_PRICE, 'setTextPrice', 'in_the_past')],
    [
      'getWebhookEndpoint',
      404,
      () => send('/v1/webhook_endpoints/none', {}, { store: { getWebhookEndpoint: async () => undefined } }),
    ],
    [
      'redeliverWebhook',
      409,
      () => {
        const store = { redeliverWebhook: async () => ({ outcome: 'disabled' }) };
        return send('/v1/webhook_endpoints/we/deliveries/evt/redeliver', { method: 'POST' }, { store });
      },
    ],
    [
      'freezeAccount',
      503,
      () => {
        const ledger = { setAccountFrozen: () => Promise.reject(new LedgerUnavailable(new Error('away'))) };
        const headers = { authorization: `Bearer ${ADMIN_KEY}`, ...keyed };
        return send(`/admin/accounts/${ACCOUNT}/freeze`, post({ frozen: true, reason: 'r' }, headers), { ledger });
      },
    ],
    [
      'retrieveModel',
      404,
      () =>
        send(
          '/v1/models/none',
          {},
          { ledger: Object.fromEntries(LISTS_OF_MODELS.map((name) => [name, async () => []])) },
        ),
    ],
  ] as [string, number, () => Sent][])('of %s %i is what it sends', async (operationId, status, asked) => {
    const route = routes().find((each) => each.operationId === operationId)!;
    const sent = await asked();
    expect([sent.status, sent.body]).toEqual([status, exampleOf(route, status)]);
  });

  it('is there for every error, and of its status', () => {
    const statusOf: Record<string, number> = { not_found: 404, request_timeout: 408, headers_too_large: 431 };
    const errors = routes().flatMap((route) =>
      Object.entries(route.responses)
        .filter(([, { content }]) => content?.['application/json']?.schema.$ref?.endsWith('/ErrorResponse'))
        .map(([status]) => ({ route, status: Number(status), example: exampleOf(route, Number(status)) })),
    );
    expect(errors.length).toBeGreaterThan(400);
    const wrong = errors.filter(({ status, example }) => {
      const code = example?.error.code ?? '';
      return (
        example === undefined ||
        (code in statusOf && statusOf[code] !== status) ||
        ([404, 408, 431].includes(status) && !(code in statusOf))
      );
    });
    expect(wrong.map(({ route, status }) => `${route.operationId} ${status}`)).toEqual([]);
  });
});
