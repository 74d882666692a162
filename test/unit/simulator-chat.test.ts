import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI, { APIConnectionError } from 'openai';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSimulator, listen } from '../../dev/simulator/server.ts';

let dir: string;
let server: { url: string; close: () => Promise<void> };
let client: OpenAI;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'simulator-'));
  server = await listen(createSimulator({ dir }));
  client = new OpenAI({ apiKey: 'sk-any', baseURL: `${server.url}/v1`, maxRetries: 0 });
});

afterAll(async () => {
  await server.close();
  rmSync(dir, { recursive: true });
});

const asked = (content: string): { model: string; messages: { role: 'user'; content: string }[] } => ({
  model: 'gpt-4.1-mini',
  messages: [{ role: 'user', content }],
});

it('answers, counts tokens and honours the limit', async () => {
  const whole = await client.chat.completions.create(asked('a script about a fox'));
  expect(whole.choices[0]).toMatchObject({ finish_reason: 'stop' });
  const { prompt_tokens = 0, completion_tokens = 0, total_tokens } = whole.usage ?? {};
  expect(completion_tokens).toBeGreaterThan(10);
  expect(total_tokens).toBe(prompt_tokens + completion_tokens);
  const short = await client.chat.completions.create({ ...asked('a fox'), max_completion_tokens: 3 });
  expect([short.choices[0]?.finish_reason, short.usage?.completion_tokens]).toEqual(['length', 3]);
});

it('streams the same text and ends with its usage', async () => {
  const whole = await client.chat.completions.create(asked('a fox'));
  const stream = await client.chat.completions.create({
    ...asked('a fox'),
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = '';
  let usage: unknown;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? '';
    usage = chunk.usage ?? usage;
  }
  expect(text).toBe(whole.choices[0]?.message.content);
  expect(usage).toEqual(whole.usage);
});

it('fills simple JSON schemas', async () => {
  const schema = {
    type: 'object',
    properties: {
      title: { type: 'string', maxLength: 5 },
      posts: { type: 'array', items: { type: 'object', properties: { text: { type: 'string' } } }, minItems: 2 },
      score: { type: 'number' },
      good: { type: 'boolean' },
      tone: { enum: ['dry', 'warm'] },
    },
  };
  const answer = await client.chat.completions.create({
    ...asked('foxes'),
    response_format: { type: 'json_schema', json_schema: { name: 'thread', schema } },
  });
  const value = JSON.parse(answer.choices[0]?.message.content ?? '') as Record<string, unknown>;
  expect(value).toMatchObject({ title: 'foxes', score: 1, good: true, tone: 'dry' });
  expect(value['posts']).toHaveLength(3);
});

it('fails on demand, in the middle of a stream too', async () => {
  await expect(client.chat.completions.create(asked('[[chat:429*1]]'))).rejects.toMatchObject({ status: 429 });
  await expect(client.chat.completions.create(asked('[[chat:reset]]'))).rejects.toBeInstanceOf(APIConnectionError);
  expect((await client.chat.completions.create(asked('[[chat:no-usage]]'))).usage).toBeUndefined();
  const stream = await client.chat.completions.create({ ...asked('[[chat:cut]]'), stream: true });
  let text = '';
  const reading = (async () => {
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  })();
  await expect(reading).rejects.toThrow();
  expect(text).toMatch(/^Scene 1/);
});
