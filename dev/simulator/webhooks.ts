import { createHash, createHmac } from 'node:crypto';
import { phaseOf, willComplete, type VideoRecord } from './lifecycle.ts';
import type { Store } from './store.ts';

/** Where events go and how they are signed. */
export interface WebhookTarget {
  url: string;
  secret: string;
  retry_ms: number;
}

const ATTEMPTS = 5;
const ANSWER_WITHIN_MS = 10_000;
const STALE_MS = 3600_000;

/**
 * Sends `video.completed` and `video.failed`, signed as in Standard Webhooks. The event id is derived from the video's
 * id, so an event that a restart sends again has the same `webhook-id`.
 */
export class Webhooks {
  readonly #closing = new AbortController();

  constructor(
    private readonly target: WebhookTarget | null,
    private readonly store: Store,
    private readonly now: () => number,
  ) {
    for (const video of store.videos()) this.expect(video);
  }

  /** Schedules the event of a video, unless it was sent already or its prompt says `[[webhook:none]]`. */
  expect(video: VideoRecord): void {
    const { webhook, never } = video.directives;
    const early = webhook === 'early';
    if (this.target === null || webhook === 'none' || (never && !early) || this.#isSent(video)) return;
    const due_ms = video.created_ms + video.duration_ms * (early ? 0.5 : 1);
    if (due_ms < this.now() - STALE_MS) return;
    this.#after(due_ms - this.now(), () => {
      if (early || phaseOf(video, this.now()).terminal) void this.#deliver(video);
      else this.expect(video);
    });
  }

  /** Drops all scheduled events and aborts those that are being sent. */
  close(): void {
    this.#closing.abort();
  }

  #isSent(video: VideoRecord): boolean {
    return this.store.count(`${video.id}/webhook`) > 0;
  }

  async #deliver(video: VideoRecord, attempt = 1): Promise<void> {
    const times = video.directives.webhook === 'twice' ? 2 : 1;
    for (let time = 0; time < times; time++) {
      if (await this.#post(video)) continue;
      this.#deliverLater(video, attempt);
      return;
    }
    if (this.#closing.signal.aborted || this.store.video(video.id) === undefined) return;
    this.store.increment(`${video.id}/webhook`);
    this.store.increment('webhooks');
  }

  #deliverLater(video: VideoRecord, attempt: number): void {
    if (attempt >= ATTEMPTS || this.target === null) return;
    this.#after(this.target.retry_ms * 2 ** (attempt - 1), () => void this.#deliver(video, attempt + 1));
  }

  async #post(video: VideoRecord): Promise<boolean> {
    if (this.target === null) return false;
    const id = `evt_${createHash('sha256').update(video.id).digest('hex').slice(0, 32)}`;
    const timestamp = Math.floor(Date.now() / 1000);
    const type = willComplete(video) ? 'video.completed' : 'video.failed';
    const body = JSON.stringify({ id, object: 'event', type, created_at: timestamp, data: { id: video.id } });
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': sign(this.target.secret, `${id}.${timestamp}.${body}`),
    };
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
    try {
      const answer = await fetch(this.target.url, { method: 'POST', headers, body, signal });
      await answer.body?.cancel();
      return answer.ok;
    } catch {
      return false;
    }
  }

  #after(ms: number, run: () => void): void {
    const delay_ms = Math.max(0, Math.ceil(ms)) + 1;
    setTimeout(() => {
      if (!this.#closing.signal.aborted) run();
    }, delay_ms).unref();
  }
}

/** The `webhook-signature` of a message; a `whsec_` secret is base64, any other is used as it is. */
function sign(secret: string, message: string): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
  return `v1,${createHmac('sha256', key).update(message).digest('base64')}`;
}
