import { Webhook } from 'standardwebhooks';

/** What your server needs, from its environment. The API key stays on the server: no browser ever sees it. */
function setting(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

/** Orders a video. The order's own id is the key: however often this is called for it, it is paid for once. */
export async function createVideo({ user, order, prompt }) {
  const answer = await fetch(`${setting('HOLDFAST_URL')}/v1/videos`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${setting('HOLDFAST_API_KEY')}`,
      'content-type': 'application/json',
      'idempotency-key': `${user}:${order}`,
    },
    body: JSON.stringify({ model: 'sora-2', seconds: '4', prompt, user, metadata: { order } }),
    signal: AbortSignal.timeout(30_000),
  });
  return { status: answer.status, body: await answer.json() };
}

/** The event of these bytes. Throws unless Holdfast has signed them within the last five minutes. */
export function verifiedEvent(text, headers) {
  return new Webhook(setting('HOLDFAST_WEBHOOK_SECRET')).verify(text, Object.fromEntries(headers));
}
