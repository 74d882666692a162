import { setTimeout as delay } from 'node:timers/promises';
import { call, codeOf, idOf } from './http.ts';
import type { Answer, Place } from './http.ts';
import type { PlannedRequest } from './requests.ts';

/** What a client does once its video is accepted: it looks until the end, may ask for a cancel, and may claim it late. */

interface Watching extends Place {
  readonly watched: AbortSignal;
}

type End = 'charged' | 'refunded';

export interface Seen {
  /** What the client was shown as the end; null while it was open. */
  readonly shown: End | null;
  /** The generation that it was given for its claim. */
  readonly claim: string | null;
  readonly complaints: readonly string[];
}

const LOOK_EVERY_MS = 2500;
const CLAIM_EVERY_MS = 4000;
const PATIENCE_MS = 10_000;

const CREDITS_OF_STATUS: Record<string, string> = { completed: 'charged', failed: 'refunded' };

export class Watcher {
  private readonly random;
  private readonly complaints: string[] = [];
  private shown: End | null = null;
  private claim: string | null = null;

  constructor(
    private readonly place: Watching,
    private readonly request: PlannedRequest,
    private readonly key: string,
    private readonly id: string,
  ) {
    this.random = request.random.fork('watch');
  }

  /** Looks on until `watched` is aborted, or there is nothing more to see. */
  async watch(): Promise<Seen> {
    const { cancelAfter_ms, claims } = this.request;
    await Promise.all([this.lookOn(), cancelAfter_ms === null ? undefined : this.cancel(cancelAfter_ms)]);
    if (claims && this.shown === 'refunded') await this.claimIt();
    return { shown: this.shown, claim: this.claim, complaints: this.complaints };
  }

  private ask(method: 'GET' | 'POST', path: string): Promise<Answer> {
    const wanted = { method, path: `/v1/videos/${this.id}${path}`, key: this.key, patience_ms: PATIENCE_MS };
    return call(this.place, this.random, wanted);
  }

  private async pause(about_ms: number): Promise<void> {
    const wait_ms = about_ms * (0.5 + this.random.next());
    await delay(wait_ms, undefined, { signal: this.place.watched }).catch(() => undefined);
  }

  private async lookOn(): Promise<void> {
    while (this.shown === null && !this.place.watched.aborted) {
      await this.pause(LOOK_EVERY_MS);
      await this.look();
    }
    // The end that was shown once is shown by the other process too.
    await this.look();
  }

  private async look(): Promise<void> {
    const answer = await this.ask('GET', '');
    if (answer.status === 404) this.complaints.push(`${this.id} was answered 404 to its owner`);
    if (answer.status !== 200) return;
    const { status, credits } = answer.body as { status: string; credits: { state: 'held' | End } };
    const { state } = credits;
    if ((CREDITS_OF_STATUS[status] ?? 'held') !== state) this.complaints.push(`${this.id} is ${status}, but ${state}`);
    if (this.shown !== null && this.shown !== state)
      this.complaints.push(`${this.id} was ${this.shown}, later ${state}`);
    if (state !== 'held') this.shown = state;
  }

  /** Until it is on record, or too late. */
  private async cancel(after_ms: number): Promise<void> {
    await this.pause(after_ms);
    while (!this.place.watched.aborted) {
      const answer = await this.ask('POST', '/cancel');
      if (answer.status === 200 || codeOf(answer) === 'already_settled') return;
      if (answer.status !== null && answer.status < 500) {
        this.complaints.push(`a cancel of ${this.id} was answered ${answer.status} ${codeOf(answer)}`);
      }
      await this.pause(1000);
    }
  }

  /** Until it is claimed: that it can be is only known once the reconciler has seen it complete. */
  private async claimIt(): Promise<void> {
    while (!this.place.watched.aborted) {
      const answer = await this.ask('POST', '/claim');
      this.claim = answer.status === 200 ? idOf(answer) : null;
      if (this.claim !== null || answer.status === 402) return;
      const isUsual = answer.status === null || answer.status >= 500 || codeOf(answer) === 'not_claimable';
      if (!isUsual) this.complaints.push(`a claim of ${this.id} was answered ${answer.status} ${codeOf(answer)}`);
      await this.pause(CLAIM_EVERY_MS);
    }
  }
}
