import { join } from 'node:path';
import { StartRefused } from './ports.ts';
import { readJson, writePrivate } from './state.ts';

const DEMO_MICROCREDITS = 10_000_000;

/**
 * The API key of the demo account. The first start creates the account with 10 credits; later starts use it again. A key that no
 * longer works (another database) is replaced, with a new account. Raises when the API refuses.
 */
export async function demoKey(origin: string, adminKey: string, stateFolder: string): Promise<string> {
  const path = join(stateFolder, 'demo.json');
  const kept = readJson(path);
  const known = typeof kept === 'object' && kept !== null && 'apiKey' in kept ? String(kept.apiKey) : undefined;
  if (known !== undefined && (await works(origin, known))) return known;
  const post = (route: string, body: object, idempotencyKey?: string) =>
    adminPost(`${origin}${route}`, adminKey, body, idempotencyKey);
  const id = String((await post('/admin/accounts', { name: 'demo' }))['id']);
  const grant = { amount_microcredits: DEMO_MICROCREDITS, reason: 'demo' };
  // The Idempotency-Key contains the account's id, so that a second demo account gets its credits too.
  await post(`/admin/accounts/${id}/grants`, grant, `demo-credits-${id}`);
  const { key } = await post(`/admin/accounts/${id}/keys`, { name: 'demo' });
  writePrivate(path, { accountId: id, apiKey: key });
  return String(key);
}

/** The address of the console, signed in as the owner of this key; undefined if the API makes none now. */
export async function makeConsoleLink(origin: string, apiKey: string): Promise<string | undefined> {
  const init = { method: 'POST', headers: { authorization: `Bearer ${apiKey}` }, signal: AbortSignal.timeout(5000) };
  const answer = await fetch(`${origin}/console/links`, init).catch(() => undefined);
  return answer?.ok === true ? ((await answer.json()) as { url: string }).url : undefined;
}

/** Only a 401 means that the key does not work: an API that is busy is no reason for a new account. */
async function works(origin: string, key: string): Promise<boolean> {
  const answer = await fetch(`${origin}/v1/credits`, { headers: { authorization: `Bearer ${key}` } });
  return answer.status !== 401;
}

async function adminPost(
  url: string,
  adminKey: string,
  body: object,
  idempotencyKey?: string,
): Promise<Record<string, unknown>> {
  const headers: Record<string, string> = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' };
  if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey;
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new StartRefused(`The demo account could not be made: ${answer.status} from ${url}: ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}
