import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { wrongUse } from '../failure.ts';
import type { Settings } from '../settings/settings.ts';
import { NotReachable, readRefusal } from './refusal.ts';
import { codeOf, isUnsent, pauseMs } from './retry.ts';

export type Query = Readonly<Record<string, string | undefined>>;

export interface Request {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Query;
  /** Sent as JSON; a form as it is. */
  readonly body?: object | FormData;
  /** Of a POST; a random one without it. */
  readonly idempotencyKey?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** The caller asks again by itself. */
  readonly isTriedOnce?: boolean;
}

/** How long the API may take to begin its answer. */
const ANSWER_LIMIT_MS = 60_000;

export class Api {
  constructor(
    private readonly settings: Settings,
    private readonly pause: (ms: number) => Promise<unknown> = sleep,
  ) {}

  get<Answer>(path: string, query: Query = {}): Promise<Answer> {
    return this.ask<Answer>({ path, query });
  }

  async ask<Answer>(request: Request): Promise<Answer> {
    const answer = await this.open(request);
    return answer.json().catch(() => {
      throw new NotReachable(`The answer of ${this.settings.url} broke off, or is not JSON.`);
    }) as Promise<Answer>;
  }

  /** A successful answer, its body unread. Raises `Refusal` for an error and `NotReachable` for none. */
  async open(request: Request): Promise<Response> {
    const { method = 'GET' } = request;
    const [url, init] = [this.urlOf(request), this.initOf(request)];
    // What an earlier attempt may have done, the last one can't deny.
    let mayBeDone = false;
    for (let attempt = 1; ; attempt++) {
      const outcome = await answerTo(url, init, request.signal).catch((error: unknown) => ({ error }));
      if (!('error' in outcome) && outcome.ok) return outcome;
      const failed = await this.failed(outcome, mayBeDone);
      mayBeDone = failed.mayBeDone;
      const ms = request.isTriedOnce === true ? null : pauseMs(method, attempt, failed);
      if (ms === null) throw failed.error;
      await this.pause(ms);
    }
  }

  private async failed(outcome: Response | { readonly error: unknown }, mayBeDoneBefore: boolean) {
    if (!('error' in outcome)) {
      const error = await readRefusal(outcome);
      const { status, code } = error;
      // The API's own 503 says that nothing is held; a gateway's says nothing.
      const mayBeDone = mayBeDoneBefore || (status >= 500 && code !== 'temporarily_unavailable');
      return { error, status, code, retryAfterSeconds: retryAfter(outcome), isUnsent: false, mayBeDone };
    }
    const unsent = isUnsent(outcome.error);
    const mayBeDone = mayBeDoneBefore || !unsent;
    const error = new NotReachable(this.notReached(outcome.error, mayBeDone), mayBeDone);
    return { error, status: undefined, code: '', retryAfterSeconds: undefined, isUnsent: unsent, mayBeDone };
  }

  private notReached(error: unknown, wasSent: boolean): string {
    const isLate = error instanceof Error && error.name === 'AbortError';
    const why = isLate ? `no answer within ${ANSWER_LIMIT_MS / 1000} s` : codeOf(error);
    return `The API at ${this.settings.url} ${wasSent ? 'did not answer' : 'can’t be reached'}${why === '' ? '' : ` (${why})`}.`;
  }

  private urlOf({ path, query = {} }: Request): URL {
    const url = new URL(this.settings.url + path);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
    return url;
  }

  private initOf({ method = 'GET', path, body, headers = {}, idempotencyKey = randomUUID() }: Request): RequestInit {
    const isForm = body instanceof FormData;
    return {
      method,
      // A redirect would send the key elsewhere, or lose the body.
      redirect: 'manual',
      headers: {
        authorization: `Bearer ${this.keyFor(path)}`,
        'user-agent': 'holdfast-cli',
        ...(method === 'POST' && { 'idempotency-key': idempotencyKey }),
        ...(body !== undefined && !isForm && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
    };
  }

  private keyFor(path: string): string {
    const isAdmin = path.startsWith('/admin/');
    const { url, apiKey, adminKey } = this.settings;
    const key = isAdmin ? adminKey : apiKey;
    if (key !== undefined) return key;
    const [what, variable] = isAdmin ? ['admin key', 'HOLDFAST_ADMIN_KEY'] : ['API key', 'HOLDFAST_API_KEY'];
    throw wrongUse(`There is no ${what} for ${url}: set ${variable}, or name a profile that has one (--profile).`);
  }
}

/** What `fetch` answers within the limit; `signal` ends the body too. */
async function answerTo(url: URL, init: RequestInit, signal?: AbortSignal): Promise<Response> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), ANSWER_LIMIT_MS);
  try {
    return await fetch(url, { ...init, signal: AbortSignal.any([limit.signal, ...(signal ? [signal] : [])]) });
  } finally {
    clearTimeout(timer);
  }
}

function retryAfter(answer: Response): number | undefined {
  const seconds = Number(answer.headers.get('retry-after') ?? NaN);
  return Number.isFinite(seconds) ? seconds : undefined;
}
