/** The API behind the session. */

interface ErrorBody {
  readonly error?: { readonly code?: string; readonly message?: string };
}

export type Answer<Body> =
  | { readonly ok: true; readonly body: Body }
  | { readonly ok: false; readonly status: number; readonly message: string };

const AWAY = 'Holdfast could not be reached. Try again: the same request is never paid twice.';

interface Sending {
  readonly method?: string;
  readonly body?: object;
  readonly key?: string;
}

/** `status` 0: nobody knows whether the request arrived. */
export async function send<Body>(path: string, { method = 'POST', body, key }: Sending = {}): Promise<Answer<Body>> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (key !== undefined) headers['idempotency-key'] = key;
  const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
  const response = await fetch(`/console${path}`, init).catch(() => undefined);
  const answered = (await response?.json().catch(() => undefined)) as (Body & ErrorBody) | undefined;
  if (response === undefined || answered === undefined) return { ok: false, status: 0, message: AWAY };
  if (response.ok) return { ok: true, body: answered };
  if (response.status === 401) location.assign('/console/sign-in?ended');
  return { ok: false, status: response.status, message: answered.error?.message ?? AWAY };
}

/** A part of a page, drawn by the server; undefined if it can't be had now. */
export async function fragment(path: string): Promise<HTMLElement | undefined> {
  const response = await fetch(`/console${path}`).catch(() => undefined);
  if (response?.ok !== true || response.redirected) return undefined;
  const holder = document.createElement('template');
  holder.innerHTML = await response.text();
  return holder.content.firstElementChild as HTMLElement | undefined;
}

/** A key for a request that is another one than the last. `crypto.randomUUID` is not there on plain HTTP. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
