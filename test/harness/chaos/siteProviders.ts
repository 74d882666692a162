import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { program } from '../../../dev/parts.ts';
import { repository } from '../../../dev/state.ts';
import type { Ground } from './ground.ts';
import { found } from './ground.ts';
import { PROVIDERS } from './plan.ts';
import type { ProviderName, Speech, Strike } from './plan.ts';
import { ownPort } from './ports.ts';

/** The two providers, and the file that names them; its changes while everything runs. */

interface Entry {
  readonly simulatorPort: number;
  readonly speech: Speech;
  /** Where the processes reach it; the last one is where it is now. */
  readonly urls: string[];
  keys: number;
  isConfigured: boolean;
}

const VIDEO_SECONDS = 3;
const WEBHOOK_SECRET = 'whsec_Y2hhb3M=';
const SECRET_VARIABLE = 'PROVIDER_WEBHOOK_SECRET';
/** Between the restarts of the first and the second process of each kind: meanwhile they have different settings. */
const MIXED_MS = 2500;

export class SiteProviders {
  private readonly entries = new Map<ProviderName, Entry>();

  private constructor(private readonly ground: Ground) {}

  static async start(
    ground: Ground,
    env: NodeJS.ProcessEnv,
    speeches: Readonly<Record<ProviderName, Speech>>,
    webhookPort: number,
  ): Promise<SiteProviders> {
    const providers = new SiteProviders(ground);
    for (const name of PROVIDERS) await providers.add(name, env, speeches[name], webhookPort);
    await providers.write();
    return providers;
  }

  /** What the processes need to know them. */
  get variables(): NodeJS.ProcessEnv {
    return { PROVIDERS_FILE: this.file, [SECRET_VARIABLE]: WEBHOOK_SECRET };
  }

  /** The lists of the others may be those of one replica. */
  get listsProve(): ReadonlySet<ProviderName> {
    return new Set(PROVIDERS.filter((name) => this.entry(name).speech.spoken === 'openai'));
  }

  /** Bypasses the proxies. */
  simulator(name: ProviderName): string {
    return `http://127.0.0.1:${this.entry(name).simulatorPort}`;
  }

  /** One change of the settings: all processes are started again with it, the second of each kind after the first. */
  async change({ provider, change, duration_ms }: Extract<Strike, { kind: 'settings' }>): Promise<void> {
    const entry = this.entry(provider);
    switch (change) {
      case 'key':
        entry.keys += 1;
        this.ground.part(provider).setVariable('SIMULATOR_API_KEY', keyOf(provider, entry));
        await this.ground.part(provider).kill('all');
        return this.apply();
      case 'url':
        entry.urls.push(await this.openWay(provider, entry.simulatorPort));
        return this.apply();
      case 'removed':
        entry.isConfigured = false;
        await this.apply();
        await delay(duration_ms);
        entry.isConfigured = true;
        return this.apply();
    }
  }

  private async add(name: ProviderName, env: NodeJS.ProcessEnv, speech: Speech, webhookPort: number): Promise<void> {
    const simulatorPort = await ownPort();
    const url = await this.openWay(name, simulatorPort);
    const entry: Entry = { simulatorPort, speech, urls: [url], keys: 1, isConfigured: true };
    this.entries.set(name, entry);
    const variables = {
      ...env,
      SIMULATOR_PORT: String(simulatorPort),
      SIMULATOR_DIALECT: speech.spoken,
      SIMULATOR_DIR: join(this.ground.folder, name),
      SIMULATOR_VIDEO_SECONDS: String(VIDEO_SECONDS),
      SIMULATOR_API_KEY: keyOf(name, entry),
      // To one of the processes, whether that lives or not.
      SIMULATOR_WEBHOOK_URL: `http://127.0.0.1:${webhookPort}/webhooks/${name}`,
      SIMULATOR_WEBHOOK_SECRET: WEBHOOK_SECRET,
    };
    this.ground.run(name, program('simulator', 'dev/simulator/main', repository, variables));
  }

  /** One way for all: a generation is bound to its provider's address. A way that was there before is closed. */
  private async openWay(name: ProviderName, simulatorPort: number): Promise<string> {
    return `http://127.0.0.1:${await this.ground.link('all', name, simulatorPort)}/v1`;
  }

  private async apply(): Promise<void> {
    await this.write();
    for (const place of ['1', '2'] as const) {
      await Promise.all([
        this.ground.part(`api-${place}`).kill('all'),
        this.ground.part(`worker-${place}`).kill('all'),
      ]);
      if (place === '1') await delay(MIXED_MS);
    }
  }

  private get file(): string {
    return join(this.ground.folder, 'providers.yaml');
  }

  /** JSON is YAML. */
  private async write(): Promise<void> {
    const providers = [];
    for (const [name, entry] of this.entries) {
      const keyFile = join(this.ground.folder, `${name}.key`);
      await writeFile(keyFile, keyOf(name, entry));
      if (!entry.isConfigured) continue;
      providers.push({
        name,
        base_url: entry.urls.at(-1),
        previous_urls: entry.urls.slice(0, -1),
        api_key_file: keyFile,
        dialect: entry.speech.configured,
        webhook_secret_env: SECRET_VARIABLE,
      });
    }
    await writeFile(this.file, JSON.stringify({ providers }));
  }

  private entry(name: ProviderName): Entry {
    return found(this.entries.get(name), name);
  }
}

function keyOf(name: ProviderName, { keys }: Entry): string {
  return `key-${keys}-of-${name}`;
}
