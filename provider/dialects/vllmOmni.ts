import type { Dialect } from './dialect.ts';
import { openai } from './openai.ts';

/** Takes multipart only. Keeps its jobs in memory, so each replica lists its own. Ignores the variant of a content. */
export const vllmOmni: Dialect = {
  ...openai,
  name: 'vllm-omni',
  source: 'vllm-omni 0.30.0: entrypoints/openai/api_server.py, entrypoints/openai/protocol/videos.py',
  isSentBy: null,
  create: { ...openai.create, imageLists: 'image_reference' },
  list: { ...openai.list, kind: 'partial' },
  failure: { fields: ['error'], codeIsStatus: true },
  content: { variants: ['video'], elsewhere: () => null },
  cancel: 'delete',
  webhooks: false,
};
