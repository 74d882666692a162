import type { Dialect } from './dialect.ts';
import { openai } from './openai.ts';

/**
 * A gateway. Its ids are read in contracts/providerVideoId.ts, whatever the dialect. Its list is that of one upstream, with the
 * key of its environment rather than those of its models, and ignores `limit` and `after`; without the name of the upstream's
 * kind it is refused. It passes on no variant, and has no DELETE.
 */
export const litellm: Dialect = {
  ...openai,
  name: 'litellm',
  source: 'litellm 1.108.0, 1.110.0: proxy/video_endpoints/endpoints.py, llms/openai/videos/transformation.py',
  isSentBy: (headers) => headers.has('x-litellm-version') || headers.has('x-litellm-call-id'),
  list: {
    kind: 'partial',
    showsPrompts: true,
    query: { custom_llm_provider: 'openai' },
    // 400: the upstream has no list, or is not named.
    noneStatuses: [400, 404, 405, 501],
  },
  content: { variants: ['video'], elsewhere: () => null },
  // The list goes to the upstream's public address, whatever the models' own addresses are.
  probe: 'models',
  webhooks: false,
};
