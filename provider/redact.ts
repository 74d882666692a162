/** Takes what is secret out of a text that came from outside. */
export type Redact = (text: string) => string;

const REMOVED = '[removed]';

/** Gateways quote their own upstream keys in refusals; those are no customer's business either. */
const FOREIGN_KEY = /\bsk-[\w*.-]{6,}/g;

/** A `Redact` for our key, the base URL and its host, and for whatever looks like an OpenAI key. */
export function createRedact(apiKey: string, baseUrl: string): Redact {
  const { origin, host } = new URL(baseUrl);
  // The longest first, or a host cut out of the URL would leave its path behind. Short keys (tests) are words.
  const secrets = [apiKey, baseUrl, origin, host].filter((text) => text.length >= 4);
  secrets.sort((a, b) => b.length - a.length);
  return (text) =>
    secrets.reduce((rest, secret) => rest.replaceAll(secret, REMOVED), text).replace(FOREIGN_KEY, REMOVED);
}

/**
 * At most `limit` characters in one line. Control characters go: a NUL is refused by PostgreSQL, a line break forges log
 * lines. Null when nothing is left.
 */
export function cleanText(text: string, limit: number): string | null {
  const flat = text.replace(/\p{Cc}+/gu, ' ').trim();
  // By code points, so that no emoji is cut in half.
  return flat === '' ? null : Array.from(flat).slice(0, limit).join('');
}

/** An error code: at most 100 of [A-Za-z0-9_.-], anything else becomes '_'. Null when it has no letter or digit. */
export function cleanCode(code: string): string | null {
  const clean = code
    .trim()
    .replace(/[^A-Za-z0-9_.-]/g, '_')
    .slice(0, 100);
  return /[A-Za-z0-9]/.test(clean) ? clean : null;
}
