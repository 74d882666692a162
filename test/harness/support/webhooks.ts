import { Webhook } from 'standardwebhooks';
import { expect, vi } from 'vitest';
import type { ReceivedWebhook, Receiver } from './receiver.ts';
import type { TestAccount, TestStack } from './stack.ts';
import { ADMIN_KEY } from './stack.ts';

/** Helpers for tests of webhooks to tenants and to the operator. */

/** Who has endpoints: an account, or the operator, whose are below `/admin`. */
export interface EndpointHolder extends Pick<TestAccount, 'fetch'> {
  readonly area?: '/admin';
}

export function operatorOf({ url }: Pick<TestStack, 'url'>): EndpointHolder {
  return {
    area: '/admin',
    fetch: (path, init = {}) =>
      fetch(`${url}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${ADMIN_KEY}`, ...(init.headers as Record<string, string>) },
      }),
  };
}

export interface MadeEndpoint {
  readonly id: string;
  readonly secret: string;
}

export interface LoggedDelivery {
  readonly id: string;
  readonly type: string;
  readonly account_id: string;
  readonly video_id: string;
  readonly state: string;
  readonly attempts: number;
  readonly last_status: number | null;
  readonly last_error: string | null;
  readonly next_attempt_at: number | null;
}

export const post = (holder: EndpointHolder, path: string, body: unknown = {}) =>
  holder.fetch(`${holder.area ?? '/v1'}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

export async function makeEndpoint(
  holder: EndpointHolder,
  { url }: Pick<Receiver, 'url'>,
  events?: string[],
): Promise<MadeEndpoint> {
  const answer = await post(holder, '/webhook_endpoints', { url, ...(events === undefined ? {} : { events }) });
  const body = (await answer.json()) as MadeEndpoint;
  expect({ status: answer.status, body }).toMatchObject({ status: 200, body: { url, status: 'enabled' } });
  return body;
}

/** The event, if the signature is valid; raises otherwise. */
export function verified({ body, headers }: ReceivedWebhook, secret: string): unknown {
  return new Webhook(secret).verify(body, headers);
}

export async function logOf(holder: EndpointHolder, { id }: Pick<MadeEndpoint, 'id'>): Promise<LoggedDelivery[]> {
  const answer = await holder.fetch(`${holder.area ?? '/v1'}/webhook_endpoints/${id}/deliveries`);
  return ((await answer.json()) as { data: LoggedDelivery[] }).data;
}

/** Waits until the log has a delivery like this one. */
export async function untilLogged(
  holder: EndpointHolder,
  endpoint: MadeEndpoint,
  like: Partial<LoggedDelivery>,
): Promise<LoggedDelivery> {
  return vi.waitFor(
    async () => {
      const log = await logOf(holder, endpoint);
      const found = log.find((each) => Object.entries(like).every(([key, value]) => each[key as 'id'] === value));
      if (found === undefined) throw new Error(`no ${JSON.stringify(like)} in ${JSON.stringify(log)}`);
      return found;
    },
    { timeout: 20_000, interval: 50 },
  );
}
