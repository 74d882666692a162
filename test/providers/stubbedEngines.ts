import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from '../../dev/state.ts';
import type { Requirements } from './pythonEnvironment.ts';
import { pythonEnvironment } from './pythonEnvironment.ts';
import type { RealServer, Running } from './servers.ts';
import { startProgram } from './servers.ts';

const VIDEO = join(repository, 'dev', 'simulator', 'assets', 'video.mp4');

/** What the engines are told by prompts: python/cards.py. */
const PROMPTS = { failure: '[[fail:gpu_lost:the GPU fell over]]', moderation: '[[moderation]]' };

/** What the HTTP routes import, and no more: an engine would need a GPU. */
const ROUTES = ['fastapi', 'httpx', 'pillow', 'pydantic', 'python-multipart', 'uvicorn'] as const;

const VLLM_OMNI: Requirements = {
  alone: ['vllm-omni==0.30.0'],
  whole: [...ROUTES, 'av', 'numpy', 'pybase64', 'pydantic-settings', 'uvloop'],
};
const SGLANG: Requirements = { alone: ['sglang==0.5.23'], whole: [...ROUTES] };

const inOneProcess =
  'one process: its jobs are in memory, so a second one does not know them, and a restart forgets them';

export const vllmOmni: RealServer = {
  name: 'vllm-omni',
  title: 'vLLM-Omni',
  version: '0.30.0',
  settings: () => ({ dialect: 'vllm-omni', can: { cancel: true } }),
  itsSettings: inOneProcess,
  habits: { list: 'partial', delete: true, forgets: true, cancels: true, images: false },
  prompts: PROMPTS,
  refusals: { moderation: null, invalid: null },
  canonical: (id) => id,
  start: (port) => start(port, 'vllm-omni-0.30.0', VLLM_OMNI, ['vllm_omni_server.py']),
};

const sglangBase: Omit<RealServer, 'name' | 'title' | 'start'> = {
  version: '0.5.23',
  settings: () => ({}),
  itsSettings: `--output-path, ${inOneProcess}`,
  habits: { list: 'without prompts', delete: true, forgets: true, cancels: false, images: false },
  prompts: PROMPTS,
  refusals: { moderation: null, invalid: null },
  canonical: (id) => id,
};

export const sglang: RealServer = {
  ...sglangBase,
  name: 'sglang',
  title: 'SGLang',
  start: (port) => start(port, 'sglang-0.5.23', SGLANG, ['sglang_server.py']),
};

export const sglangWithS3: RealServer = {
  ...sglangBase,
  name: 'sglang-s3',
  title: 'SGLang with S3',
  settings: (port) => ({ content_hosts: [`127.0.0.1:${port}`] }),
  itsSettings: `SGLANG_CLOUD_STORAGE_TYPE=s3, ${inOneProcess}`,
  start: (port) => start(port, 'sglang-0.5.23', SGLANG, ['sglang_server.py', 's3']),
};

async function start(
  port: number,
  environment: string,
  requirements: Requirements,
  [program, ...options]: [string, ...string[]],
): Promise<Running> {
  const python = await pythonEnvironment(environment, requirements);
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-engine-'));
  const url = `http://127.0.0.1:${port}`;
  const script = join(import.meta.dirname, 'python', program);
  const stop = await startProgram(python, [script, String(port), folder, VIDEO, ...options], {
    cwd: folder,
    env: { PYTHONDONTWRITEBYTECODE: '1' },
    ready: `${url}/health`,
  });
  return {
    url,
    stop: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
