import express from 'express';
import { Webhook } from 'standardwebhooks';
import { createHoldfast } from './holdfast.js';
import { createOrders } from './orders.js';

/** The user of your own session; here a header says it, because the example has no sign-in. */
const signedIn = (request) => request.get('x-example-user');

/** The app. `settings` has the URL of Holdfast, your server's API key there, and the secret of your webhook endpoint. */
export function createApp({ url, apiKey, webhookSecret }) {
  const app = express();
  const holdfast = createHoldfast(url, apiKey);
  const orders = createOrders();
  const webhook = new Webhook(webhookSecret);

  // The signature is over the bytes as they came, so this route comes before any parser of JSON.
  app.post('/holdfast', express.raw({ type: 'application/json', limit: '64kb' }), (request, response) => {
    let event;
    try {
      event = webhook.verify(request.body, request.headers);
    } catch {
      return response.status(400).json({ error: 'not signed by Holdfast' });
    }
    orders.settle(event);
    response.status(204).end();
  });

  app.use(express.json({ limit: '64kb' }));

  app.post('/videos', async (request, response) => {
    const user = signedIn(request);
    if (!user) return response.status(401).json({ error: 'sign in' });
    const { order, prompt } = request.body ?? {};
    if (typeof order !== 'string' || typeof prompt !== 'string') {
      return response.status(400).json({ error: 'order and prompt are needed' });
    }
    const { status, body } = await holdfast.createVideo({ user, order, prompt });
    if (status === 200) orders.open(user, order, body.id);
    response.status(status).json(status === 200 ? orders.find(user, order) : body);
  });

  app.get('/videos/:order', (request, response) => {
    const found = orders.find(signedIn(request), request.params.order);
    if (!found) return response.status(404).json({ error: 'no such order' });
    response.json(found);
  });

  return app;
}
