import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSimulator, listen } from '../../dev/simulator/server.ts';
import { canonicalAtLitellm } from './canonicalAtLitellm.ts';
import type { RealServer, Running } from './servers.ts';

/** The simulator, whose videos take a second. */
export async function startSimulator(port = 0, dialect = 'openai'): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-simulator-'));
  const server = await listen(createSimulator({ dir: folder, videoSeconds: 1, dialect }), port);
  return {
    url: server.url,
    stop: async () => {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const INVALID = '[[create:400:invalid_prompt:The prompt is no good.]]';
const REFUSALS = { moderation: '[[create:403:content_policy_violation:No such pictures.]]', invalid: INVALID };
/** An engine judges a prompt only when it makes the video. */
const ENGINES_REFUSALS = { moderation: null, invalid: INVALID };

function simulatorAs(
  dialect: string,
  differs: Pick<RealServer, 'habits' | 'refusals'> & Partial<RealServer>,
): RealServer {
  return {
    name: `simulator-${dialect}`,
    title: 'the simulator',
    version: `as ${dialect}`,
    settings: () => ({}),
    itsSettings: `\`SIMULATOR_DIALECT=${dialect}\``,
    prompts: { failure: '[[fail:gpu_lost:the GPU fell over]]', moderation: '[[fail:moderation_blocked]]' },
    canonical: (id) => id,
    start: (port) => startSimulator(port, dialect),
    ...differs,
  };
}

/** In each dialect. */
export const simulators: readonly RealServer[] = [
  simulatorAs('openai', {
    habits: { list: 'whole', delete: true, forgets: false, cancels: false, images: true },
    refusals: REFUSALS,
  }),
  simulatorAs('litellm', {
    settings: () => ({ dialect: 'litellm' }),
    habits: { list: 'newest', delete: false, forgets: false, cancels: false, images: false },
    refusals: REFUSALS,
    canonical: canonicalAtLitellm,
  }),
  simulatorAs('vllm-omni', {
    settings: () => ({ dialect: 'vllm-omni', can: { cancel: true } }),
    habits: { list: 'partial', delete: true, forgets: true, cancels: true, images: false },
    refusals: ENGINES_REFUSALS,
  }),
  simulatorAs('sglang', {
    habits: { list: 'without prompts', delete: true, forgets: true, cancels: false, images: false },
    refusals: ENGINES_REFUSALS,
  }),
];
