import OpenAI, { InvalidWebhookSignatureError } from 'openai';
import { z } from 'zod';

const VideoEvent = z.object({
  type: z
    .string()
    .regex(/^video\./)
    .max(100),
  data: z.object({ id: z.string().min(1).max(255) }),
});

export type WebhookReading =
  | { readonly outcome: 'video'; readonly webhookId: string; readonly type: string; readonly providerVideoId: string }
  /** Signed, but not about a video. */
  | { readonly outcome: 'other' }
  /** The signature is wrong, or the timestamp is off by more than five minutes. */
  | { readonly outcome: 'unverified' };

/**
 * Verifies and reads a provider's webhook (Standard Webhooks, by OpenAI's own SDK). A message that was not signed with the
 * secret within five minutes is `unverified`; an empty secret verifies nothing.
 */
export async function readWebhook(secret: string, headers: Headers, body: string): Promise<WebhookReading> {
  const webhookId = headers.get('webhook-id') ?? '';
  const signed = webhookId !== '' && headers.has('webhook-timestamp') && headers.has('webhook-signature');
  if (!signed || webhookId.length > 255 || secret.replace(/^whsec_/, '') === '') return { outcome: 'unverified' };
  try {
    await verifier.webhooks.verifySignature(body, headers, secret);
  } catch (error) {
    if (error instanceof InvalidWebhookSignatureError) return { outcome: 'unverified' };
    throw error;
  }
  const event = VideoEvent.safeParse(parseJson(body));
  if (!event.success) return { outcome: 'other' };
  return { outcome: 'video', webhookId, type: event.data.type, providerVideoId: event.data.data.id };
}

/** Used only to verify signatures, which needs no key and makes no call. */
const verifier = new OpenAI({ apiKey: 'none', webhookSecret: null, logLevel: 'off' });

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
