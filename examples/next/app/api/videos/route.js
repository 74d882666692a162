import { createVideo } from '../../../lib/holdfast.js';
import { findOrder, openOrder } from '../../../lib/orders.js';
import { signedIn } from '../../../lib/session.js';

/** Orders a video for the user who is signed in. */
export async function POST(request) {
  const user = signedIn(request);
  if (!user) return Response.json({ error: 'sign in' }, { status: 401 });
  const { order, prompt } = (await request.json().catch(() => null)) ?? {};
  if (typeof order !== 'string' || typeof prompt !== 'string') {
    return Response.json({ error: 'order and prompt are needed' }, { status: 400 });
  }
  const { status, body } = await createVideo({ user, order, prompt });
  if (status !== 200) return Response.json(body, { status });
  openOrder(user, order, body.id);
  return Response.json(findOrder(user, order));
}
