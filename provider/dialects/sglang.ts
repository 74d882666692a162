import { z } from 'zod';
import type { Dialect } from './dialect.ts';
import { openai } from './openai.ts';

const stored = z.object({ detail: z.string().max(8192) });
const ADDRESS = /Please use the cloud URL: (\S+)$/;

/**
 * Keeps its jobs in memory, so each replica lists its own, and its list shows no prompts. A variant is a number: `video` is 404.
 * A content that it has stored in S3 is refused with 400 and the address.
 */
export const sglang: Dialect = {
  ...openai,
  name: 'sglang',
  source: 'sglang 0.5.23: multimodal_gen/runtime/entrypoints/openai/video_api.py, protocol.py, utils.py',
  isSentBy: null,
  // Of several images it takes the first.
  create: { encoding: 'multipart', jsonReference: 'reference_url', imageLists: null },
  list: { ...openai.list, kind: 'partial', showsPrompts: false },
  content: {
    variants: ['video'],
    elsewhere: (body) => ADDRESS.exec(stored.safeParse(body).data?.detail ?? '')?.[1] ?? null,
  },
  webhooks: false,
};
