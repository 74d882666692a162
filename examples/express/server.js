import { createApp } from './app.js';

const { HOLDFAST_URL, HOLDFAST_API_KEY, HOLDFAST_WEBHOOK_SECRET, PORT = '4000' } = process.env;
if (!HOLDFAST_URL || !HOLDFAST_API_KEY || !HOLDFAST_WEBHOOK_SECRET) {
  console.error('Set HOLDFAST_URL, HOLDFAST_API_KEY and HOLDFAST_WEBHOOK_SECRET.');
  process.exit(2);
}

const app = createApp({ url: HOLDFAST_URL, apiKey: HOLDFAST_API_KEY, webhookSecret: HOLDFAST_WEBHOOK_SECRET });
const server = app.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`The app listens on http://127.0.0.1:${server.address().port}`);
});
