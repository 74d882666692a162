import type { ClientConnectConfig } from '@temporalio/envconfig';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { z } from 'zod';
import { dialect, type ProviderEntry, type ProviderEntries, readProvidersFile } from './config/providers.ts';
import { baseUrl, HEADER_TEXT, hostList, isHeaderText, isUrlOf, oneOf } from './config/values.ts';

/**
 * The one place that reads the environment, besides `platform/envFile.ts`, which adds a `.env` to it. Only the `main.ts` of each
 * process loads it, and `npm start` checks it before it starts anything; everything else is handed what it needs. Every
 * variable is described in `.env.example`.
 */

function whole(fallback: number, least: number, most: number) {
  const error = `must be a whole number from ${least} to ${most}`;
  return z.coerce.number(error).int(error).min(least, error).max(most, error).default(fallback);
}

const port = (fallback: number) => whole(fallback, 0, 65_535);

const hasReadableCredentials = (text: string) => {
  if (!URL.canParse(text)) return true;
  const { username, password } = new URL(text);
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
};
function postgresUrl(what: string) {
  return z.string(`is required: ${what}`).refine(isUrlOf(/^postgres(ql)?:$/), 'must be a postgres:// URL');
}

const serviceUrl = postgresUrl('the PostgreSQL database, as the role holdfast_service');
const ownerUrl = postgresUrl('the same database as DATABASE_URL, as its owner');

/** Hosts separated by commas, each as `host` or `host:port`, written as in a URL. */
const hosts = z
  .string()
  .default('')
  .transform((list) => list.split(',').filter((host) => host.trim() !== ''))
  .pipe(hostList);

/** For the programs that only speak to the database and Temporal: the migrations and the auditors' commands. */
const toolSchema = z.object({
  DATABASE_URL: serviceUrl,
  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^/@\s]+$/, 'must be host:port, without https:// before it')
    .optional(),
});

const migrationSchema = toolSchema.extend({ MIGRATE_DATABASE_URL: ownerUrl });

/** For the API and the worker. */
const serviceSchema = toolSchema.extend({
  PROVIDERS_FILE: z.string().optional(),
  DATABASE_POOL_SIZE: whole(20, 2, 200),
  PROVIDER_PROXY_URL: z
    .string()
    .refine(isUrlOf(/^https?:$/), 'must be an http:// or https:// URL')
    .refine(hasReadableCredentials, 'must have its user name and password percent-encoded')
    .optional(),
  SWEEP_INTERVAL_MS: whole(1000, 0, 3_600_000),
  HOLD_TTL_SECONDS: whole(3600, 10, 86_400),
  LOOK_FOR_CREATE_SECONDS: whole(150, 1, 86_400),
  RECONCILE_INTERVAL_SECONDS: whole(300, 1, 86_400),
  TEXT_LEASE_SECONDS: whole(20, 1, 600),
  ARCHIVE_DIR: z.string().min(1).default('.holdfast/archive'),
  ARCHIVE_CONTENT_MAX_BYTES: whole(4 * 1024 ** 3, 1, Number.MAX_SAFE_INTEGER),
  WEBHOOK_ALLOW_PRIVATE_ADDRESSES: oneOf(['true', 'operator', 'false']).default('false'),
  ADMIN_KEY: z
    .string()
    .min(16, 'must have at least 16 characters')
    .max(512, 'must have at most 512 characters')
    .refine(isHeaderText, HEADER_TEXT)
    .optional(),
  RATE_LIMIT_PER_MINUTE: whole(600, 1, 1_000_000),
  STREAMS_PER_KEY: whole(100, 1, 100_000),
  STREAMS_IN_ALL: whole(1000, 1, 100_000),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: port(3000),
  METRICS_PORT: port(9464),
  WORKER_METRICS_PORT: port(9465),
  TEMPORAL_WEB_URL: z
    .string()
    .refine(isUrlOf(/^https?:$/), 'must be an http:// or https:// URL')
    .optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .string()
    .refine(isUrlOf(/^https?:$/), 'must be an http:// or https:// URL')
    .optional(),
  START_TIMEOUT_MS: whole(20_000, 1000, 60_000),
  LOG_LEVEL: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info'),
});

/** Of the one provider that needs no file. */
const providerSchema = z.object({
  OPENAI_API_KEY: z
    .string("is required: the key of a server that speaks OpenAI's formats; `npm start` brings a simulator")
    .refine(isHeaderText, HEADER_TEXT),
  OPENAI_BASE_URL: baseUrl('is required: the URL of that server, with its /v1'),
  OPENAI_WEBHOOK_SECRET: z.string().min(1).optional(),
  OPENAI_CONTENT_HOSTS: hosts,
  PROVIDER_DIALECT: dialect,
  PROVIDER_CREATE_ENCODING: oneOf(['multipart', 'json']).optional(),
  PROVIDER_SEND_USER_AND_METADATA: oneOf(['true', 'false']).default('false'),
});

/** What the file says for each provider: in the environment, beside the file, nobody would read it. */
const INSTEAD_OF_THE_FILE = [
  'OPENAI_BASE_URL',
  'OPENAI_CONTENT_HOSTS',
  'PROVIDER_DIALECT',
  'PROVIDER_CREATE_ENCODING',
  'PROVIDER_SEND_USER_AND_METADATA',
] as const;

/** Whose webhooks may go to private addresses. */
const PRIVATE_FOR = { true: 'everybody', operator: 'operator', false: 'nobody' } as const;

type ToolConfig = ReturnType<typeof parseToolConfig>;
type MigrationConfig = ReturnType<typeof parseMigrationConfig>;
export type Config = ReturnType<typeof parseConfig>;

type Environment = Record<string, string | undefined>;

/** Lists every fault of the environment, one line each, without values: no secret is printed. */
export class ConfigError extends Error {
  constructor(readonly faults: readonly string[]) {
    const count = `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`;
    super(`The configuration has ${count}:\n${faults.join('\n')}\n${describedIn(faults)}`);
  }
}

function describedIn(faults: readonly string[]): string {
  const ofFile = faults.filter((fault) => /^ *PROVIDERS_FILE\b/.test(fault)).length;
  if (ofFile === 0) return 'See .env.example for what each variable means.';
  const file = 'See docs/providers.md for what the file of providers may say';
  return ofFile === faults.length ? `${file}.` : `${file}, and .env.example for what each variable means.`;
}

/** The first fault of each variable. */
function faultsOf(error: z.ZodError | undefined): Map<string, string> {
  const faults = new Map<string, string>();
  for (const { path, message } of error?.issues ?? []) {
    const variable = path.join('.');
    if (!faults.has(variable)) faults.set(variable, `  ${variable}: ${message}`);
  }
  return faults;
}

/** An empty variable counts as unset. Raises `ConfigError` with the first fault of each variable, and those found before. */
function validate<Schema extends z.ZodType>(schema: Schema, environment: Environment, before: readonly string[] = []) {
  const set = withoutEmpty(environment);
  const parsed = schema.safeParse(set);
  const faults = faultsOf(parsed.error);
  let temporal: ClientConnectConfig | undefined;
  try {
    temporal = loadClientConnectConfig({ overrideEnvVars: set });
  } catch (error) {
    // Its first line only: the others would quote the file.
    const why = error instanceof Error ? error.message.split('\n')[0] : 'unreadable';
    faults.set('TEMPORAL', `  TEMPORAL_… or Temporal's configuration file: ${why}`);
  }
  if (parsed.success && temporal !== undefined && before.length === 0) return { env: parsed.data, temporal };
  throw new ConfigError([...before, ...faults.values()]);
}

/** The providers of the file, or the one that the environment describes; or all faults of either. */
function readProviders(environment: Environment): ProviderEntries | { readonly faults: readonly string[] } {
  const set = withoutEmpty(environment);
  const { PROVIDERS_FILE: path, PROVIDER_PROXY_URL: proxyUrl } = set;
  if (path !== undefined) {
    const beside = INSTEAD_OF_THE_FILE.filter((name) => set[name] !== undefined);
    const unread = beside.map(
      (name) => `  ${name}: is not read beside PROVIDERS_FILE; say it of a provider in that file`,
    );
    const read = readProvidersFile({ path, environment: set, proxyUrl });
    const faults = 'faults' in read ? read.faults.map((fault) => `  PROVIDERS_FILE: ${fault}`) : [];
    return 'faults' in read || unread.length > 0 ? { faults: [...unread, ...faults] } : read;
  }
  const { data: env, error } = providerSchema.safeParse(set);
  if (env === undefined) return { faults: [...faultsOf(error).values()] };
  return [
    {
      name: 'openai',
      baseUrl: env.OPENAI_BASE_URL,
      previousUrls: [],
      apiKey: env.OPENAI_API_KEY,
      webhookSecret: env.OPENAI_WEBHOOK_SECRET,
      dialect: env.PROVIDER_DIALECT,
      can: {},
      createEncoding: env.PROVIDER_CREATE_ENCODING,
      sendLabels: env.PROVIDER_SEND_USER_AND_METADATA === 'true',
      contentHosts: env.OPENAI_CONTENT_HOSTS,
      proxyUrl,
      probe: true,
      videosAtOnce: undefined,
      requestsPerMinute: undefined,
      sweepIntervalMs: undefined,
    },
  ];
}

function withoutEmpty(environment: Environment): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).flatMap(([name, value]) => (value ? [[name, value]] : [])));
}

/** Pure, like `parseConfig`. Raises `ConfigError`. */
function parseToolConfig(environment: Environment) {
  const { env, temporal } = validate(toolSchema, environment);
  return { temporal, databaseUrl: env.DATABASE_URL };
}

/** Pure, like `parseConfig`. Raises `ConfigError`. */
function parseMigrationConfig(environment: Environment) {
  const { env, temporal } = validate(migrationSchema, environment);
  return { temporal, databaseUrl: env.DATABASE_URL, migrateDatabaseUrl: env.MIGRATE_DATABASE_URL };
}

/** An environment in, a validated configuration out; reads the files that it names, and nothing else. Raises `ConfigError`. */
export function parseConfig(environment: Environment) {
  const providers = readProviders(environment);
  const { env, temporal } = validate(serviceSchema, environment, 'faults' in providers ? providers.faults : []);
  if ('faults' in providers) throw new ConfigError(providers.faults);
  return {
    temporal,
    databaseUrl: env.DATABASE_URL,
    databasePoolSize: env.DATABASE_POOL_SIZE,
    providers: withSweepInterval(providers, env.SWEEP_INTERVAL_MS),
    holdTtlSeconds: env.HOLD_TTL_SECONDS,
    lookForCreateMs: env.LOOK_FOR_CREATE_SECONDS * 1000,
    reconcileIntervalMs: env.RECONCILE_INTERVAL_SECONDS * 1000,
    textLeaseMs: env.TEXT_LEASE_SECONDS * 1000,
    archiveFolder: env.ARCHIVE_DIR,
    archiveContentMaximumBytes: env.ARCHIVE_CONTENT_MAX_BYTES,
    webhooksPrivateFor: PRIVATE_FOR[env.WEBHOOK_ALLOW_PRIVATE_ADDRESSES],
    adminKey: env.ADMIN_KEY,
    requestsPerMinute: env.RATE_LIMIT_PER_MINUTE,
    streamLimits: { ofOneKey: env.STREAMS_PER_KEY, inAll: env.STREAMS_IN_ALL },
    host: env.HOST,
    port: env.PORT,
    metricsPort: env.METRICS_PORT,
    workerMetricsPort: env.WORKER_METRICS_PORT,
    temporalWebUrl: env.TEMPORAL_WEB_URL,
    tracesEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    startTimeoutMs: env.START_TIMEOUT_MS,
    logLevel: env.LOG_LEVEL,
  };
}

/** Gives the interval to the providers that don't say their own; those that send webhooks too, because a webhook can be lost. */
function withSweepInterval([first, ...others]: ProviderEntries, intervalMs: number): ProviderEntries {
  const filledIn = (entry: ProviderEntry) => ({
    ...entry,
    sweepIntervalMs: entry.sweepIntervalMs ?? intervalMs,
  });
  return [filledIn(first), ...others.map(filledIn)];
}

/** Reads the environment of the API or a worker. If it has faults, prints all of them and exits with 2. */
export function loadConfig(): Config {
  return orExit(parseConfig);
}

/** The same for the auditors' commands, which never call the provider. */
export function loadToolConfig(): ToolConfig {
  return orExit(parseToolConfig);
}

/** The same for the migrations. */
export function loadMigrationConfig(): MigrationConfig {
  return orExit(parseMigrationConfig);
}

function orExit<Parsed>(parse: (environment: Environment) => Parsed): Parsed {
  try {
    return parse(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}
