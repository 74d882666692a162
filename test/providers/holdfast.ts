import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProviderEntries } from '../../config/providers.ts';
import { readProvidersFile } from '../../config/providers.ts';
import type { Provider } from '../../provider/index.ts';
import { createProviders } from '../../provider/index.ts';
import type { OwnStack } from '../harness/support/ownStack.ts';
import { startOwnStack } from '../harness/support/ownStack.ts';
import { API_KEY } from './servers.ts';

export interface Holdfast {
  readonly stack: OwnStack;
  /** A client of the server itself, with the same settings. */
  readonly provider: Provider;
  readonly stop: () => Promise<void>;
}

export interface Wanted {
  /** Of the wire. */
  readonly baseUrl: string;
  /** Of the server itself. */
  readonly directUrl: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly holdTtlSeconds: number;
}

/** The whole stack with this server as its only provider. */
export async function startHoldfast({ baseUrl, directUrl, settings, holdTtlSeconds }: Wanted): Promise<Holdfast> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-providers-'));
  const path = join(folder, 'providers.yaml');
  const direct = await writeFileOf(path, directUrl, settings);
  await writeFileOf(path, baseUrl, settings);
  const stack = await startOwnStack({
    LOG_LEVEL: 'error',
    PROVIDERS_FILE: path,
    TESTED_KEY: API_KEY,
    HOLD_TTL_SECONDS: String(holdTtlSeconds),
    LOOK_FOR_CREATE_SECONDS: '4',
  });
  return {
    stack,
    provider: createProviders(direct).all[0],
    stop: async () => {
      await stack.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function writeFileOf(
  path: string,
  baseUrl: string,
  settings: Readonly<Record<string, unknown>>,
): Promise<ProviderEntries> {
  const entry = { name: 'tested', base_url: baseUrl, api_key_env: 'TESTED_KEY', ...settings };
  // JSON is YAML.
  await writeFile(path, JSON.stringify({ providers: [entry] }));
  const entries = readProvidersFile({ path, environment: { TESTED_KEY: API_KEY }, proxyUrl: undefined });
  if ('faults' in entries) throw new Error(`the file of providers is wrong: ${entries.faults.join('; ')}`);
  return entries;
}
