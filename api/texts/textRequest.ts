import { z } from '@hono/zod-openapi';
import type { TextRequest } from '../../provider/index.ts';
import { maxCredits } from '../generations/payingRequest.ts';
import { plainText } from '../http/schemas.ts';

const fields = {
  topic: plainText(4000).openapi({ example: 'a red fox in fresh snow' }),
  tone: plainText(100).default('friendly').openapi({ example: 'friendly' }),
  model: plainText(100).default('gpt-4.1-mini').openapi({ example: 'gpt-4.1-mini' }),
  stream: z.boolean().default(false),
  max_credits: maxCredits('The request is refused if it could cost more than this.'),
};

export const CreateScript = z
  .strictObject({ ...fields, length: z.enum(['short', 'medium', 'long']).default('medium') })
  .openapi('CreateScript', { example: { topic: 'a red fox in fresh snow', tone: 'friendly', length: 'short' } });

export const CreateThread = z
  .strictObject({ ...fields, posts: z.number().int().min(2).max(20).default(5) })
  .openapi('CreateThread', { example: { topic: 'a red fox in fresh snow', tone: 'friendly', posts: 3 } });

/** The body of a POST to /scripts or /threads. */
export type CreateTextBody = z.output<typeof CreateScript> | z.output<typeof CreateThread>;

/** The request to write a text. A thread has no length, and a script has no posts. */
export function toTextRequest(body: CreateTextBody): TextRequest {
  const { model, topic, tone } = body;
  return 'posts' in body
    ? { kind: 'thread', model, topic, tone, length: 'medium', posts: body.posts }
    : { kind: 'script', model, topic, tone, length: body.length, posts: null };
}
