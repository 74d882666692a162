import assert from 'node:assert/strict';
import { untilItWorks } from '../../dev/ports.ts';
import type { OwnStack } from '../harness/support/ownStack.ts';

/** What an app's server is told. */
export interface Settings {
  readonly HOLDFAST_URL: string;
  readonly HOLDFAST_API_KEY: string;
  readonly HOLDFAST_WEBHOOK_SECRET: string;
}

/** An example that listens at `url`. */
export interface Example {
  readonly url: string;
  /** Where its routes are. */
  readonly routes: { readonly videos: string; readonly webhooks: string };
}

/** Starts an example. It asks for its settings when it listens: its address belongs to the endpoint whose secret is one of them. */
export type Start = (
  folder: string,
  settings: (url: string, webhooks: string) => Promise<Settings>,
) => Promise<Example>;

type Check = readonly [what: string, work: () => Promise<void>];

const LIMIT_MS = 30_000;
const CREDITS = 10_000_000;
const PRICE = 571_429;
const USER = 'user-4711';

/** What each example has to do, in turn. */
export async function checksOf(stack: OwnStack, start: Start, folder: string): Promise<Check[]> {
  const { api } = stack.endpoints;
  const { key } = await stack.openAccount(CREDITS);
  const ask = async (path: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    return (await (await fetch(api + path, { ...init, headers })).json()) as Record<string, unknown>;
  };
  const example = await start(folder, async (url, webhooks) => {
    const endpoint = await ask('/v1/webhook_endpoints', {
      method: 'POST',
      body: JSON.stringify({ url: url + webhooks }),
    });
    return { HOLDFAST_URL: api, HOLDFAST_API_KEY: key, HOLDFAST_WEBHOOK_SECRET: String(endpoint['secret']) };
  });
  const { videos, webhooks } = example.routes;
  const headers = { 'x-example-user': USER, 'content-type': 'application/json' };
  const order = async (id: string, prompt: string) =>
    fetch(example.url + videos, { method: 'POST', headers, body: JSON.stringify({ order: id, prompt }) });
  const look = async (id: string, user = USER) =>
    fetch(`${example.url}${videos}/${id}`, { headers: { 'x-example-user': user } });
  const untilSettled = (id: string, status: string) =>
    untilItWorks(
      async () => assert.deepEqual(seen((await (await look(id)).json()) as object), { status, events: 1 }),
      LIMIT_MS,
    );
  const seen = ({ status, events }: { status?: unknown; events?: unknown }) => ({ status, events });
  const spent = async () => CREDITS - Number((await ask('/v1/credits'))['available_microcredits']);

  return [
    [
      'a video is ordered, and its signed webhook says that it is complete',
      async () => {
        assert.equal((await order('1', 'a red fox')).status, 200);
        await untilSettled('1', 'completed');
      },
    ],
    [
      'the same order twice pays once',
      async () => {
        assert.equal((await order('1', 'a red fox')).status, 200);
        assert.equal(await spent(), PRICE);
      },
    ],
    [
      'a video that is blocked is told of, and is not paid',
      async () => {
        assert.equal((await order('2', 'an ad for iqus e cigerrates')).status, 200);
        await untilSettled('2', 'failed');
        assert.equal(await spent(), PRICE);
      },
    ],
    [
      'a forged webhook is refused and changes nothing',
      async () => {
        const forged = { type: 'video.failed', data: { id: 'video_1', user: USER, metadata: { order: '3' } } };
        const signed = { 'webhook-id': 'evt_1', 'webhook-timestamp': String(Math.floor(Date.now() / 1000)) };
        const answer = await fetch(example.url + webhooks, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...signed, 'webhook-signature': `v1,${'A'.repeat(43)}=` },
          body: JSON.stringify(forged),
        });
        assert.equal(answer.status, 400);
        assert.equal((await look('3')).status, 404);
      },
    ],
    [
      'an event that comes again has its effect once',
      async () => {
        const [endpoint] = (await ask('/v1/webhook_endpoints'))['data'] as { id: string }[];
        const path = `/v1/webhook_endpoints/${endpoint?.id ?? ''}/deliveries`;
        const [delivery] = (await ask(path))['data'] as { id: string }[];
        await ask(`${path}/${delivery?.id ?? ''}/redeliver`, { method: 'POST' });
        await untilItWorks(async () => {
          const [again] = (await ask(path))['data'] as { id: string; attempts: number; state: string }[];
          assert.equal(again?.id === delivery?.id && again?.state === 'delivered' && again.attempts, 2);
        }, LIMIT_MS);
        await untilSettled('2', 'failed');
        await untilSettled('1', 'completed');
      },
    ],
    [
      'nobody orders without signing in, or sees the order of another',
      async () => {
        const anonymous = await fetch(example.url + videos, { method: 'POST', body: '{}' });
        assert.equal(anonymous.status, 401);
        assert.equal((await look('1', 'user-1')).status, 404);
      },
    ],
  ];
}
