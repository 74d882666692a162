import type { Dialect } from './dialect.ts';
import { openai } from './openai.ts';

/**
 * Takes multipart only. Keeps its jobs in memory, so each replica lists its own. Ignores the variant of a content.
 *
 * A DELETE of an unfinished job aborts it in the engine, cancels its task, waits for that and forgets the job; from then on the
 * job and its content are 404. The answer is the same for a job that finished meanwhile, whose file is deleted: that one can't
 * be downloaded any more either, so it is released as well. 409: the task still ends, and is forgotten later. 404: there is no
 * such job (any more, or in this replica), which proves nothing.
 */
export const vllmOmni: Dialect = {
  ...openai,
  name: 'vllm-omni',
  source: 'vllm-omni 0.30.0: entrypoints/openai/api_server.py, entrypoints/openai/protocol/videos.py',
  isSentBy: null,
  create: { ...openai.create, imageLists: 'image_reference' },
  list: { ...openai.list, kind: 'partial' },
  failure: { fields: ['error'], codeIsStatus: true },
  content: { variants: ['video'], elsewhere: () => null },
  cancel: { ended: { object: 'video.deleted', deleted: true } },
  webhooks: false,
};
