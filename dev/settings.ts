import { resolve } from 'node:path';
import { Misconfigured, type PortVariable, type Ports, readPorts } from './ports.ts';
import { sharedFolder } from './state.ts';

export interface Settings {
  readonly ports: Ports;
  /** The ports of the parts that will start. */
  readonly needed: PortVariable[];
  readonly stateFolder: string;
  readonly fresh: boolean;
  /** The user's own database; undefined: PostgreSQL is started. */
  readonly database: { readonly url: string; readonly ownerUrl: string } | undefined;
  /** The user's own Temporal server; undefined: one is started. */
  readonly temporalAddress: string | undefined;
  /** Whether the simulator is the provider; the user names none of their own. */
  readonly simulated: boolean;
}

/** Reads what to start from the environment; dev/start.mjs has checked the options. Raises `Misconfigured`. */
export function readSettings(environment: NodeJS.ProcessEnv, options: readonly string[]): Settings {
  const set = (name: string) => environment[name] || undefined;
  const database = ownDatabase(set('DATABASE_URL'), set('MIGRATE_DATABASE_URL'));
  const temporalAddress = set('TEMPORAL_ADDRESS');
  const simulated =
    set('PROVIDERS_FILE') === undefined && !hasOwnProvider(set('OPENAI_API_KEY'), set('OPENAI_BASE_URL'));
  return {
    ports: readPorts(environment),
    needed: [
      'PORT',
      'METRICS_PORT',
      'WORKER_METRICS_PORT',
      ...(database === undefined ? (['POSTGRES_PORT'] as const) : []),
      ...(temporalAddress === undefined ? (['TEMPORAL_PORT', 'TEMPORAL_UI_PORT'] as const) : []),
      ...(simulated ? (['SIMULATOR_PORT'] as const) : []),
    ],
    stateFolder: stateFolderOf(environment),
    fresh: options.includes('--fresh'),
    database,
    temporalAddress,
    simulated,
  };
}

/** Whether curl, and whatever else reads these variables, would call this machine through a proxy. */
export function isProxied(environment: NodeJS.ProcessEnv): boolean {
  return Boolean(environment['http_proxy'] || environment['all_proxy'] || environment['ALL_PROXY']);
}

/** A company's proxy can't reach this machine: calls to it go directly, whatever library reads the environment. */
export function bypassProxies(environment: NodeJS.ProcessEnv): void {
  const bypassed = [environment['no_proxy'] || environment['NO_PROXY'] || '', '127.0.0.1', 'localhost'];
  const list = bypassed.filter((host) => host !== '').join(',');
  environment['no_proxy'] = list;
  environment['NO_PROXY'] = list;
}

/** The folder of all state of one stack. */
export function stateFolderOf(environment: NodeJS.ProcessEnv): string {
  return resolve(environment['HOLDFAST_DIR'] || sharedFolder);
}

function ownDatabase(url: string | undefined, ownerUrl: string | undefined): Settings['database'] {
  if (url === undefined) return undefined;
  if (ownerUrl !== undefined) return { url, ownerUrl };
  throw new Misconfigured(
    'DATABASE_URL is set, so MIGRATE_DATABASE_URL is needed too: the same database, as its owner.',
  );
}

function hasOwnProvider(key: string | undefined, url: string | undefined): boolean {
  if ((key === undefined) === (url === undefined)) return url !== undefined;
  const [there, missing] =
    key === undefined ? ['OPENAI_BASE_URL', 'OPENAI_API_KEY'] : ['OPENAI_API_KEY', 'OPENAI_BASE_URL'];
  throw new Misconfigured(`${there} is set, so ${missing} is needed too; with neither, a simulator is the provider.`);
}
