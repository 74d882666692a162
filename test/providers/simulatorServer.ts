import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSimulator, listen } from '../../dev/simulator/server.ts';
import type { RealServer, Running } from './servers.ts';

/** The simulator, whose videos take a second. */
export async function startSimulator(port = 0): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-simulator-'));
  const server = await listen(createSimulator({ dir: folder, videoSeconds: 1 }), port);
  return {
    url: server.url,
    stop: async () => {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const simulator: RealServer = {
  name: 'simulator',
  title: 'the simulator',
  version: 'of this repository',
  settings: () => ({}),
  itsSettings: 'none',
  habits: { list: 'whole', delete: true, forgets: false, images: true },
  prompts: { failure: '[[fail:gpu_lost:the GPU fell over]]', moderation: '[[fail:moderation_blocked]]' },
  refusals: {
    moderation: '[[create:403:content_policy_violation:No such pictures.]]',
    invalid: '[[create:400:invalid_prompt:The prompt is no good.]]',
  },
  canonical: (id) => id,
  start: startSimulator,
};
