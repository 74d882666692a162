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
  /** The user's own provider; undefined: the simulator is started. */
  readonly providerUrl: string | undefined;
}

/** Reads what to start from the environment; dev/start.mjs has checked the options. Raises `Misconfigured`. */
export function readSettings(environment: NodeJS.ProcessEnv, options: readonly string[]): Settings {
  const set = (name: string) => environment[name] || undefined;
  const database = ownDatabase(set('DATABASE_URL'), set('MIGRATE_DATABASE_URL'));
  const temporalAddress = set('TEMPORAL_ADDRESS');
  const providerUrl = ownProvider(set('OPENAI_API_KEY'), set('OPENAI_BASE_URL'));
  return {
    ports: readPorts(environment),
    needed: [
      'PORT',
      'METRICS_PORT',
      'WORKER_METRICS_PORT',
      ...(database === undefined ? (['POSTGRES_PORT'] as const) : []),
      ...(temporalAddress === undefined ? (['TEMPORAL_PORT', 'TEMPORAL_UI_PORT'] as const) : []),
      ...(providerUrl === undefined ? (['SIMULATOR_PORT'] as const) : []),
    ],
    stateFolder: stateFolderOf(environment),
    fresh: options.includes('--fresh'),
    database,
    temporalAddress,
    providerUrl,
  };
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

function ownProvider(key: string | undefined, url: string | undefined): Settings['providerUrl'] {
  if ((key === undefined) === (url === undefined)) return url;
  const [there, missing] =
    key === undefined ? ['OPENAI_BASE_URL', 'OPENAI_API_KEY'] : ['OPENAI_API_KEY', 'OPENAI_BASE_URL'];
  throw new Misconfigured(`${there} is set, so ${missing} is needed too; with neither, a simulator is the provider.`);
}
