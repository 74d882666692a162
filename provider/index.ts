/** The OpenAI-compatible video provider: one client, made by `createProvider`, that never charges or retries by itself. */
export { type ProviderChange, watchHealth } from './health.ts';
export { createProvider, type ProviderSettings } from './client.ts';
export type { CreateEncoding } from './encoding.ts';
export { retryAfterMs } from './errors.ts';
export { readWebhook, type WebhookReading } from './events.ts';
export { inputBoundTokens, maxOutputTokens, readText, type TextRequest, type WrittenText } from './textRequest.ts';
export { CallFailed } from './transport.ts';
export type {
  CreateRefusal,
  CreateResult,
  DeleteResult,
  DownloadOptions,
  InputReference,
  ListResult,
  Provider,
  ProviderVideo,
  RetrieveResult,
  TextResult,
  TextUsage,
  Trouble,
  Verdict,
  VideoPage,
  VideoRequest,
} from './types.ts';
