import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { canonicalAtLitellm } from './canonicalAtLitellm.ts';
import { pythonEnvironment } from './pythonEnvironment.ts';
import type { RealServer, Running } from './servers.ts';
import { API_KEY, startProgram } from './servers.ts';
import { startSimulator } from './simulatorServer.ts';

/** What the proxy's routes import. Its extra `proxy` also names packages that are not published, and much that is not used here. */
const IMPORTED = [
  'apscheduler',
  'azure-identity',
  'azure-storage-blob',
  'backoff',
  'backports-zstd',
  'cryptography',
  'expression',
  'fastapi',
  'fastapi-sso',
  'gunicorn',
  'httpx2',
  'inquirerpy',
  'mcp',
  'orjson',
  'polars',
  'pyjwt',
  'pynacl',
  'python-multipart',
  'restrictedpython',
  'rich',
  'rq',
  'semver',
  'soundfile',
  'tomlkit',
  'uvicorn',
  'uvloop',
  'websockets',
] as const;

/** Two deployments of one model, so that the ids of its videos name different deployments. */
const configuration = (upstream: string) => `model_list:
  - model_name: sora-2
    litellm_params: { model: openai/sora-2, api_base: '${upstream}/v1', api_key: one }
    model_info: { id: one }
  - model_name: sora-2
    litellm_params: { model: openai/sora-2, api_base: '${upstream}/v1', api_key: two }
    model_info: { id: two }
general_settings: { master_key: ${API_KEY} }
router_settings: { num_retries: 0, disable_cooldowns: true }
litellm_settings: { telemetry: false, num_retries: 0 }
`;

/** LiteLLM's proxy of this version, in front of the simulator. */
export function litellm(version: string): RealServer {
  return {
    name: `litellm-${version}`,
    title: 'LiteLLM proxy',
    version,
    settings: () => ({}),
    itsSettings:
      '`router_settings: { num_retries: 0 }`: by default it repeats a create that got no answer, and makes several videos',
    habits: { list: 'none', delete: false, forgets: false, cancels: false, images: false },
    prompts: { failure: '[[fail:gpu_lost:the GPU fell over]]', moderation: '[[fail:moderation_blocked]]' },
    refusals: {
      moderation: '[[create:403:content_policy_violation:No such pictures.]]',
      invalid: '[[create:400:invalid_prompt:The prompt is no good.]]',
    },
    canonical: canonicalAtLitellm,
    start: (port) => start(version, port),
  };
}

async function start(version: string, port: number): Promise<Running> {
  const python = await pythonEnvironment(`litellm-${version}`, {
    whole: [`litellm==${version}`, ...IMPORTED],
    alone: [],
  });
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-litellm-'));
  const simulator = await startSimulator();
  const configured = join(folder, 'litellm.yaml');
  await writeFile(configured, configuration(simulator.url));
  const url = `http://127.0.0.1:${port}`;
  const stop = await startProgram(
    join(dirname(python), 'litellm'),
    ['--config', configured, '--host', '127.0.0.1', '--port', String(port)],
    {
      cwd: folder,
      env: { LITELLM_LOCAL_MODEL_COST_MAP: 'True', LITELLM_LOG: 'ERROR' },
      ready: `${url}/health/liveliness`,
    },
  );
  return {
    url,
    stop: async () => {
      await stop();
      await simulator.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
