import { setTimeout as delay } from 'node:timers/promises';
import { type Agent, request } from 'undici';
import type { Customer } from './books.ts';

/** One client of a crowd: it asks for a video, and after each refusal comes again when it was told to. */

export interface Asked {
  readonly status: number;
  /** How long the answer took. */
  readonly tookMs: number;
  /** After an earlier refusal. */
  readonly again: boolean;
}

const LIMIT_MS = 90_000;

/** Asks until the video is accepted, and records every answer in `asked`. Raises when a refusal does not say when to come again. */
export async function askUntilAccepted(
  agent: Agent,
  api: string,
  customer: Customer,
  { prompt, asked }: { prompt: string; asked: Asked[] },
): Promise<void> {
  const body = JSON.stringify({ prompt });
  const headers = { authorization: `Bearer ${customer.key}`, 'content-type': 'application/json' };
  for (let again = false; ; again = true) {
    const beganMs = performance.now();
    const answer = await request(`${api}/v1/videos`, {
      ...{ dispatcher: agent, method: 'POST', headers, body },
      ...{ headersTimeout: LIMIT_MS, bodyTimeout: LIMIT_MS },
    });
    const text = await answer.body.text();
    asked.push({ status: answer.statusCode, tookMs: performance.now() - beganMs, again });
    if (answer.statusCode === 200) {
      customer.ids.push((JSON.parse(text) as { id: string }).id);
      return;
    }
    const retryAfterSeconds = Number(answer.headers['retry-after']);
    if (![429, 503].includes(answer.statusCode) || !(retryAfterSeconds >= 0)) {
      throw new Error(`${answer.statusCode} without a usable Retry-After: ${text}`);
    }
    await delay(retryAfterSeconds * 1000);
  }
}
