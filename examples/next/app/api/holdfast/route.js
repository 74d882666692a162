import { verifiedEvent } from '../../../lib/holdfast.js';
import { settleOrder } from '../../../lib/orders.js';

const MOST_CHARACTERS = 64_000;

/** Receives the webhooks of Holdfast. The signature is over the bytes as they came: `text()`, and never `json()`. */
export async function POST(request) {
  const text = await request.text();
  let event;
  try {
    if (text.length > MOST_CHARACTERS) throw new Error('too long');
    event = verifiedEvent(text, request.headers);
  } catch {
    return Response.json({ error: 'not signed by Holdfast' }, { status: 400 });
  }
  settleOrder(event);
  return new Response(null, { status: 204 });
}
