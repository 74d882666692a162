import OpenAI from 'openai';
import type { Credits, Quote } from '../../../clients/holdfast.js';

/** What a TypeScript user writes with clients/holdfast.d.ts: it must compile, as an ES module, as CommonJS and in a bundler. */

export async function order(client: OpenAI): Promise<Credits> {
  const body: OpenAI.VideoCreateParams = { prompt: 'a red fox', max_credits: '0.6' };
  await client.videos.create(body);
  const video = await client.videos.create(
    { prompt: 'a red fox', seconds: '20', max_credits: 0.6, user: 'user-1', metadata: { order: '42' } },
    { headers: { 'Idempotency-Key': 'order-1' } },
  );
  const kept: OpenAI.Video = video;
  const { response } = await client.videos.create({ prompt: 'a red fox', seconds: '4' }).withResponse();
  await client.videos.remix(kept.id, { prompt: 'at night', max_credits: '0.6' });
  for await (const { credits } of client.videos.list({ limit: 10, user: 'user-1', metadata: { order: '42' } })) {
    const state: 'held' | 'charged' | 'refunded' = credits.state;
    console.log(state, response.status);
  }
  console.log(kept.user?.length, kept.metadata['order']);
  return kept.credits;
}

export async function price(client: OpenAI): Promise<string> {
  const body: OpenAI.VideoCreateParams = { prompt: 'a red fox', seconds: '4' };
  const answer: unknown = await client.videos.create(body, { query: { dry_run: true } });
  const quote = answer as Quote;
  return quote.would_be_accepted ? quote.amount : (quote.error?.message ?? '');
}

export async function mistakes(client: OpenAI): Promise<void> {
  // @ts-expect-error A name that nobody knows.
  await client.videos.create({ prompt: 'a red fox', max_credit: '0.6' });
  // @ts-expect-error A length is text.
  await client.videos.create({ prompt: 'a red fox', seconds: 4 });
  // @ts-expect-error Metadata is text.
  await client.videos.create({ prompt: 'a red fox', metadata: { order: 42 } });
  // @ts-expect-error The prompt is missing.
  await client.videos.create({ seconds: '4' });
}

export const make = (apiKey: string) => new OpenAI({ apiKey, baseURL: 'http://127.0.0.1:3000/v1' });
