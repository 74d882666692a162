import type { Trouble } from './types.ts';

/** A successful answer of the SDK. */
export interface Answer {
  readonly status: number;
  /** Undefined when it is not JSON. */
  readonly body: unknown;
  readonly headers: Headers;
  /** How far the answer's `Date` is ahead of our clock; negative when behind, null without one. */
  readonly clockSkewMs: number | null;
}

/** Ignores the content type: a body that parses is JSON. The bytes have arrived already, so reading can't fail. */
export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const { headers } = response;
  const answered = { status: response.status, headers, clockSkewMs: clockSkewMs(response.headers) };
  try {
    return { ...answered, body: JSON.parse(text) };
  } catch {
    return { ...answered, body: undefined };
  }
}

/** The `Date` of a cached answer is the time at which it was cached. */
function clockSkewMs(headers: Headers): number | null {
  const skewMs = Date.parse(headers.get('date') ?? '') - Date.now();
  return Number.isNaN(skewMs) || Number(headers.get('age') ?? 0) > 0 ? null : skewMs;
}

export function unreadable({ status }: Answer, how = 'with an unreadable body'): Trouble {
  return {
    outcome: 'transient',
    why: `HTTP ${status} ${how}`,
    status,
    retryAfterMs: null,
    debt: null,
    whose: 'provider',
  };
}
