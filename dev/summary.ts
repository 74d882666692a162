import type { Ports } from './ports.ts';

/** The content of `endpoints.json`: where everything is, for scripts. Null where an outside service is used instead. */
export interface Endpoints {
  readonly api: string;
  readonly console: string;
  readonly openapi: string;
  readonly temporalWeb: string | null;
  readonly temporalAddress: string;
  readonly temporalNamespace: string;
  readonly databaseUrl: string;
  readonly migrateDatabaseUrl: string;
  readonly provider: string;
  readonly metrics: string;
  readonly workerMetrics: string;
  readonly apiKey: string;
  readonly adminKey: string;
  readonly pids: Record<'api' | 'worker' | 'postgres' | 'temporal' | 'simulator', number | null>;
}

/** The addresses that follow from the ports alone. */
export function addresses(ports: Ports) {
  const api = `http://127.0.0.1:${ports.PORT}`;
  return {
    api,
    console: `${api}/`,
    openapi: `${api}/openapi.json`,
    metrics: `http://127.0.0.1:${ports.METRICS_PORT}/metrics`,
    workerMetrics: `http://127.0.0.1:${ports.WORKER_METRICS_PORT}/metrics`,
  };
}

interface Telling {
  /** Behind the first sentence: how long the start took. */
  readonly aside?: string;
  /** How to stop; the last line. */
  readonly stop: string;
  /** Whether the environment has a proxy, which curl must not use. */
  readonly proxied: boolean;
  /** Opens the console, signed in as the demo account. */
  readonly consoleLink?: string | undefined;
  /** A line for each part: how it is. */
  readonly parts?: readonly string[];
}

const LINK = 'Make a video in the console (this link signs you in as the demo account, once, within 15 minutes):';

/** What runs, where it is, a request to try, how its parts are, and last how to stop. */
export function summary(endpoints: Endpoints, { aside = '', stop, proxied, consoleLink, parts = [] }: Telling): string {
  const simulated = endpoints.pids.simulator !== null;
  const places: [string, string][] = [
    ['API', `${endpoints.api}/v1`],
    ['Console', endpoints.console],
    ['API docs', `${endpoints.api}/docs`],
    ['Doctor', `${endpoints.api}/admin/doctor (with the admin key)`],
    ['Temporal Web', endpoints.temporalWeb ?? 'where your TEMPORAL_ADDRESS has it'],
    ['Provider', `${endpoints.provider}${simulated ? ' (the simulator)' : ''}`],
    ['Database', endpoints.databaseUrl],
    ['Metrics', `${endpoints.metrics} (API), ${endpoints.workerMetrics} (worker)`],
    ['API key', `${endpoints.apiKey} (account "demo")`],
    ['Admin key', endpoints.adminKey],
  ];
  return [
    `Holdfast runs: a credit-guarded video API on Temporal and PostgreSQL${simulated ? ', with a simulated provider' : ''}${aside}.`,
    '',
    ...places.map(([what, where]) => `  ${what.padEnd(14)}${where}`),
    '',
    ...(consoleLink === undefined ? [] : [LINK, '', `  ${consoleLink}`, '']),
    'Or try the API:',
    '',
    `  curl ${proxied ? '--noproxy 127.0.0.1 ' : ''}${endpoints.api}/v1/videos -H 'Authorization: Bearer ${endpoints.apiKey}' -H 'Content-Type: application/json' \\`,
    `    -d '{"model":"sora-2","prompt":"a red fox runs through fresh snow","seconds":"4"}'`,
    '',
    ...(parts.length > 0 ? ['Its parts:', '', ...parts, ''] : []),
    stop,
  ].join('\n');
}
