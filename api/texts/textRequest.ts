import { z } from '@hono/zod-openapi';
import { MAX_TONE_CHARACTERS, MAX_TOPIC_CHARACTERS, POSTS, TEXT_LENGTHS, type TextRequest } from '../../texts/index.ts';
import { labelFields } from '../generations/labels.ts';
import { maxCredits, payingBody } from '../generations/payingRequest.ts';
import { plainText } from '../http/schemas.ts';

const fields = {
  topic: plainText(MAX_TOPIC_CHARACTERS).openapi({ example: 'a red fox in fresh snow' }),
  tone: plainText(MAX_TONE_CHARACTERS).default('friendly').openapi({ example: 'friendly' }),
  model: plainText(100).default('gpt-4.1-mini').openapi({ example: 'gpt-4.1-mini' }),
  stream: z.boolean().default(false),
  max_credits: maxCredits('The request is refused if it could cost more than this.'),
  ...labelFields,
};

export const CreateScript = payingBody({ ...fields, length: z.enum(TEXT_LENGTHS).default('medium') }).openapi(
  'CreateScriptBody',
  { example: { topic: 'a red fox in fresh snow', tone: 'friendly', length: 'short' } },
);

export const CreateThread = payingBody({
  ...fields,
  posts: z.number().int().min(POSTS.minimum).max(POSTS.maximum).default(5),
}).openapi('CreateThreadBody', { example: { topic: 'a red fox in fresh snow', tone: 'friendly', posts: 3 } });

/** The body of a POST to /scripts or /threads. */
export type CreateTextBody = z.output<typeof CreateScript> | z.output<typeof CreateThread>;

/** What is to be written, without how it is delivered and what it may cost. */
export function toTextRequest(body: CreateTextBody): TextRequest {
  const { model, topic, tone } = body;
  return 'posts' in body
    ? { kind: 'thread', model, topic, tone, posts: body.posts }
    : { kind: 'script', model, topic, tone, length: body.length };
}
