/** The client of an OpenAI-compatible provider, made by `createProvider`. It neither moves credits nor retries. */
export { type ProviderChange, watchHealth } from './health.ts';
export { createProvider, identityOf, type ProviderSettings } from './client.ts';
export { createProbe, type Probe } from './probe.ts';
export { createProviders, type Providers, providersOf } from './registry.ts';
export type { ContentAnswer } from './contentAnswer.ts';
export type { Whose } from './transport.ts';
export { checkContent, type ContentCheck, HEAD_BYTES, NotTheContent } from './contentCheck.ts';
export type { WebhookReading } from './events.ts';
export { askForTurn, type Call, NoTurn, takeTurnOrNone, type TakeTurn } from './turns.ts';
export { inputBoundTokens } from './completion.ts';
export { type Capabilities, type CreateEncoding, DIALECTS, type ListKind } from './dialects/index.ts';
export { plainCode, plainWords } from './plainWords.ts';
export type {
  CancelResult,
  CompletionRequest,
  CreateRefusal,
  CreateResult,
  DeleteResult,
  DownloadOptions,
  ListResult,
  PageWanted,
  Provider,
  ProviderVideo,
  RetrieveResult,
  TextResult,
  TextUsage,
  Trouble,
  VideoPage,
  VideoRequest,
} from './types.ts';
