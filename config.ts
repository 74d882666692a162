import { loadClientConnectConfig } from '@temporalio/envconfig';
import { z } from 'zod';

/**
 * The one place that reads the environment. Only the `main.ts` of each process loads it; everything else is
 * handed what it needs. Every variable is described in `.env.example`.
 */

const port = (fallback: number) => z.coerce.number().int().min(0).max(65535).default(fallback);
const postgresUrl = z.string('is required').regex(/^postgres(ql)?:\/\//, 'must be a postgres:// URL');

/** Hosts separated by commas, each as `host` or `host:port`, written as in a URL. */
const hosts = z
  .string()
  .default('')
  .transform((list) =>
    list
      .toLowerCase()
      .split(',')
      .map((host) => host.trim()),
  )
  .transform((list) => list.filter((host) => host !== ''))
  .refine((list) => list.every(isHost), { error: 'must be hosts separated by commas, each as host or host:port' });

function isHost(text: string): boolean {
  return ['http', 'https'].some(
    (protocol) => URL.canParse(`${protocol}://${text}/`) && new URL(`${protocol}://${text}/`).host === text,
  );
}

/** For the programs that only speak to the database and Temporal: the migrations and the auditors' commands. */
const toolSchema = z.object({
  DATABASE_URL: postgresUrl,
  MIGRATE_DATABASE_URL: postgresUrl.optional(),
});

/** For the API and the worker. */
const serviceSchema = toolSchema.extend({
  OPENAI_API_KEY: z.string(
    "is required: the key of a server that speaks OpenAI's formats; `npm start` brings a simulator",
  ),
  OPENAI_BASE_URL: z.url({
    protocol: /^https?$/,
    error: ({ input }) =>
      input === undefined ? 'is required: the URL of that server, with its /v1' : 'must be an http:// or https:// URL',
  }),
  DATABASE_POOL_SIZE: z.coerce.number().int().min(2).max(200).default(20),
  OPENAI_WEBHOOK_SECRET: z.string().min(1).optional(),
  OPENAI_CONTENT_HOSTS: hosts,
  PROVIDER_CREATE_ENCODING: z.enum(['multipart', 'json']).default('multipart'),
  HOLD_TTL_SECONDS: z.coerce.number().int().min(10).max(86_400).default(3600),
  LOOK_FOR_CREATE_SECONDS: z.coerce.number().int().min(1).max(86_400).default(150),
  RECONCILE_INTERVAL_SECONDS: z.coerce.number().int().min(1).max(86_400).default(300),
  TEXT_LEASE_SECONDS: z.coerce.number().int().min(1).max(600).default(20),
  ARCHIVE_DIR: z.string().min(1).default('.holdfast/archive'),
  ARCHIVE_CONTENT_MAX_BYTES: z.coerce
    .number()
    .int()
    .min(1)
    .max(Number.MAX_SAFE_INTEGER)
    .default(4 * 1024 ** 3),
  WEBHOOK_ALLOW_PRIVATE_ADDRESSES: z.enum(['true', 'false']).default('false'),
  ADMIN_KEY: z.string().min(16, 'must have at least 16 characters').optional(),
  RATE_LIMIT_PER_MINUTE: z.coerce.number().int().min(1).max(1_000_000).default(600),
  STREAMS_PER_KEY: z.coerce.number().int().min(1).max(100_000).default(100),
  STREAMS_IN_ALL: z.coerce.number().int().min(1).max(100_000).default(1000),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: port(3000),
  METRICS_PORT: port(9464),
  WORKER_METRICS_PORT: port(9465),
  TEMPORAL_WEB_URL: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' }).optional(),
  START_TIMEOUT_MS: z.coerce.number().int().min(1000).max(60_000).default(20_000),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info'),
});

export type ToolConfig = ReturnType<typeof parseToolConfig>;
export type Config = ReturnType<typeof parseConfig>;

type Environment = Record<string, string | undefined>;

/** Lists every fault of the environment, one line each, without values: no secret is printed. */
export class ConfigError extends Error {
  constructor(readonly faults: string[]) {
    super(`The configuration has ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}:\n${faults.join('\n')}`);
  }
}

/** An empty variable counts as unset. Raises `ConfigError`. */
function validate<Schema extends z.ZodType>(schema: Schema, environment: Environment): z.infer<Schema> {
  const parsed = schema.safeParse(withoutEmpty(environment));
  if (parsed.success) return parsed.data;
  throw new ConfigError(parsed.error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`));
}

function withoutEmpty(environment: Environment): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).flatMap(([name, value]) => (value ? [[name, value]] : [])));
}

/** Pure, like `parseConfig`. Raises `ConfigError`. */
function parseToolConfig(environment: Environment) {
  const env = validate(toolSchema, environment);
  return {
    temporal: loadClientConnectConfig({ overrideEnvVars: withoutEmpty(environment) }),
    databaseUrl: env.DATABASE_URL,
    migrateDatabaseUrl: env.MIGRATE_DATABASE_URL,
  };
}

/** Pure: an environment in, a validated configuration out. Raises `ConfigError`. */
export function parseConfig(environment: Environment) {
  const env = validate(serviceSchema, environment);
  return {
    ...parseToolConfig(environment),
    databasePoolSize: env.DATABASE_POOL_SIZE,
    provider: {
      apiKey: env.OPENAI_API_KEY,
      baseUrl: env.OPENAI_BASE_URL,
      createEncoding: env.PROVIDER_CREATE_ENCODING,
      contentHosts: env.OPENAI_CONTENT_HOSTS,
      webhookSecret: env.OPENAI_WEBHOOK_SECRET,
    },
    holdTtlSeconds: env.HOLD_TTL_SECONDS,
    lookForCreateMs: env.LOOK_FOR_CREATE_SECONDS * 1000,
    reconcileIntervalMs: env.RECONCILE_INTERVAL_SECONDS * 1000,
    textLeaseMs: env.TEXT_LEASE_SECONDS * 1000,
    archiveFolder: env.ARCHIVE_DIR,
    archiveContentMaximumBytes: env.ARCHIVE_CONTENT_MAX_BYTES,
    webhookAllowPrivate: env.WEBHOOK_ALLOW_PRIVATE_ADDRESSES === 'true',
    adminKey: env.ADMIN_KEY,
    requestsPerMinute: env.RATE_LIMIT_PER_MINUTE,
    streamLimits: { ofOneKey: env.STREAMS_PER_KEY, inAll: env.STREAMS_IN_ALL },
    host: env.HOST,
    port: env.PORT,
    metricsPort: env.METRICS_PORT,
    workerMetricsPort: env.WORKER_METRICS_PORT,
    temporalWebUrl: env.TEMPORAL_WEB_URL,
    startTimeoutMs: env.START_TIMEOUT_MS,
    logLevel: env.LOG_LEVEL,
  };
}

/** Reads the environment of the API or a worker. If it has faults, prints all of them and exits with 2. */
export function loadConfig(): Config {
  return orExit(parseConfig);
}

/** The same for a program that never calls the provider. */
export function loadToolConfig(): ToolConfig {
  return orExit(parseToolConfig);
}

function orExit<Parsed>(parse: (environment: Environment) => Parsed): Parsed {
  try {
    return parse(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\nSee .env.example for what each variable means.\n`);
    process.exit(2);
  }
}
