import { Webhook } from 'standardwebhooks';
import { expect, vi } from 'vitest';
import type { ReceivedWebhook, Receiver } from './receiver.ts';
import type { TestAccount } from './stack.ts';

/** Helpers for tests of webhooks to tenants. */

export interface MadeEndpoint {
  readonly id: string;
  readonly secret: string;
}

export interface LoggedDelivery {
  readonly id: string;
  readonly type: string;
  readonly video_id: string;
  readonly state: string;
  readonly attempts: number;
  readonly last_status: number | null;
  readonly last_error: string | null;
  readonly next_attempt_at: number | null;
}

export const post = (account: TestAccount, path: string, body: unknown = {}) =>
  account.fetch(`/v1${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

export async function makeEndpoint(
  account: TestAccount,
  { url }: Pick<Receiver, 'url'>,
  events?: string[],
): Promise<MadeEndpoint> {
  const answer = await post(account, '/webhook_endpoints', { url, ...(events === undefined ? {} : { events }) });
  const body = (await answer.json()) as MadeEndpoint;
  expect({ status: answer.status, body }).toMatchObject({ status: 200, body: { url, status: 'enabled' } });
  return body;
}

/** The event, if the signature is valid; raises otherwise. */
export function verified({ body, headers }: ReceivedWebhook, secret: string): unknown {
  return new Webhook(secret).verify(body, headers);
}

export async function logOf(account: TestAccount, { id }: Pick<MadeEndpoint, 'id'>): Promise<LoggedDelivery[]> {
  const answer = await account.fetch(`/v1/webhook_endpoints/${id}/deliveries`);
  return ((await answer.json()) as { data: LoggedDelivery[] }).data;
}

/** Waits until the log has a delivery like this one. */
export async function untilLogged(
  account: TestAccount,
  endpoint: MadeEndpoint,
  like: Partial<LoggedDelivery>,
): Promise<LoggedDelivery> {
  return vi.waitFor(
    async () => {
      const log = await logOf(account, endpoint);
      const found = log.find((each) => Object.entries(like).every(([key, value]) => each[key as 'id'] === value));
      if (found === undefined) throw new Error(`no ${JSON.stringify(like)} in ${JSON.stringify(log)}`);
      return found;
    },
    { timeout: 20_000, interval: 50 },
  );
}
