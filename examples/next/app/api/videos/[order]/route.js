import { findOrder } from '../../../../lib/orders.js';
import { signedIn } from '../../../../lib/session.js';

/** How an order of the user who is signed in is doing. */
export async function GET(request, { params }) {
  const { order } = await params;
  const found = findOrder(signedIn(request), order);
  return found ? Response.json(found) : Response.json({ error: 'no such order' }, { status: 404 });
}
