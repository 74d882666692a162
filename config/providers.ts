import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { type Capabilities, type CreateEncoding, DIALECTS, LIST_KINDS } from '../provider/dialects/index.ts';
import { baseUrl, HEADER_TEXT, hostList, isHeaderText, oneOf } from './values.ts';

/** The file of providers (PROVIDERS_FILE): the first is the default one. docs/providers.md describes it. */

/** Of one provider; `ProviderSettings` in provider/client.ts says what each is for. */
export interface ProviderEntry {
  readonly name: string;
  readonly baseUrl: string;
  readonly previousUrls: readonly string[];
  readonly apiKey: string;
  readonly webhookSecret: string | undefined;
  readonly dialect: string;
  readonly can: Partial<Capabilities>;
  readonly createEncoding: CreateEncoding | undefined;
  readonly sendLabels: boolean;
  readonly contentHosts: readonly string[];
  readonly proxyUrl: string | undefined;
  /** Whether workers probe it, and nothing new is begun there while it does not answer. */
  readonly probe: boolean;
  readonly videosAtOnce: number | undefined;
  readonly requestsPerMinute: number | undefined;
  /** Undefined: SWEEP_INTERVAL_MS; 0: its list is not swept. */
  readonly sweepIntervalMs: number | undefined;
}

export type ProviderEntries = readonly [ProviderEntry, ...ProviderEntry[]];

export interface ProvidersFile {
  readonly path: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For the providers that don't set `proxy: false`. */
  readonly proxyUrl: string | undefined;
}

const MAX_FILE_BYTES = 1024 * 1024;
const MAX_PROVIDERS = 100;

/** Names of other routes below /webhooks. */
const RESERVED_NAMES = ['stripe'];

const variable = z.string().regex(/^[A-Z_][A-Z0-9_]*$/, 'must be the name of an environment variable');
const path = z.string().min(1, 'must be the path of a file');
const MAX_PREVIOUS_URLS = 20;

/** A whole number of these bounds. */
function wholeNumber(least: number, most: number) {
  const words = `must be a whole number from ${least} to ${most}`;
  return z.int(words).min(least, words).max(most, words);
}

/** With fewer calls a minute than ten, a video is not made, looked at and copied in the time of its hold. */
const limits = z.strictObject({
  videos_at_once: wholeNumber(1, 1_000_000).optional(),
  requests_per_minute: wholeNumber(10, 10_000).optional(),
});

/** How a server speaks; `auto` recognises what it can. */
export const dialect = z
  .string()
  .default('auto')
  .refine((name) => DIALECTS.some((each) => each.name === name), {
    error: `must be one of ${DIALECTS.map(({ name }) => name).join(', ')}`,
  });

const canSchema = z.strictObject({
  list: oneOf(LIST_KINDS).optional(),
  list_shows_prompts: z.boolean().optional(),
  cancel: z.boolean().optional(),
  webhooks: z.boolean().optional(),
});

const entrySchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be lower-case letters, digits and -, 32 at most')
      .refine((name) => !RESERVED_NAMES.includes(name), 'is reserved'),
    base_url: baseUrl('is required'),
    previous_urls: z
      .array(baseUrl('must be a URL'))
      .max(MAX_PREVIOUS_URLS, `must have ${MAX_PREVIOUS_URLS} entries at most`)
      .default([]),
    api_key_env: variable.optional(),
    api_key_file: path.optional(),
    webhook_secret_env: variable.optional(),
    webhook_secret_file: path.optional(),
    dialect,
    can: canSchema.default({}),
    create_encoding: oneOf(['multipart', 'json']).optional(),
    send_user_and_metadata: z.boolean().default(false),
    content_hosts: hostList.default([]),
    proxy: z.boolean().default(true),
    probe: z.boolean().default(true),
    sweep_interval_ms: wholeNumber(0, 3_600_000).optional(),
    limits: limits.default({}),
  })
  .refine((entry) => (entry.api_key_env === undefined) !== (entry.api_key_file === undefined), {
    path: ['api_key_env'],
    error: 'or api_key_file is required, and not both: a server without keys takes any',
  })
  .refine((entry) => entry.webhook_secret_env === undefined || entry.webhook_secret_file === undefined, {
    path: ['webhook_secret_env'],
    error: 'or webhook_secret_file, not both',
  });

type Entry = z.output<typeof entrySchema>;

const COUNT = `must have 1 to ${MAX_PROVIDERS} entries`;
const fileSchema = z.strictObject({ providers: z.array(entrySchema).min(1, COUNT).max(MAX_PROVIDERS, COUNT) });

/** Returns the providers, or every fault of the file, without values: no secret is printed. Raises nothing. */
export function readProvidersFile(file: ProvidersFile): ProviderEntries | { readonly faults: readonly string[] } {
  const text = readText(file.path);
  if (text === undefined) return { faults: [`${file.path} can’t be read`] };
  const document = parseDocument(text);
  const [wrong] = document.errors;
  if (wrong !== undefined) return { faults: [`line ${wrong.linePos?.[0].line ?? 1} is no YAML, or repeats a setting`] };
  const parsed = fileSchema.safeParse(toValue(document));
  if (!parsed.success) return { faults: parsed.error.issues.map(inWords) };
  const faults = parsed.data.providers.flatMap((entry, place) => faultsOf(entry, place, parsed.data.providers));
  const secrets = parsed.data.providers.map((entry, place) => readSecrets(entry, place, file, faults));
  const entries = parsed.data.providers.map((entry, place) => toEntry(entry, secrets[place] ?? NO_SECRETS, file));
  const [first, ...others] = entries;
  return first === undefined || faults.length > 0 ? { faults } : [first, ...others];
}

/** An alias that refers to itself, or to too much, is refused by the library. */
function toValue(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    return undefined;
  }
}

function readText(from: string): string | undefined {
  try {
    const bytes = readFileSync(from);
    return bytes.length > MAX_FILE_BYTES ? undefined : bytes.toString('utf8');
  } catch {
    return undefined;
  }
}

/** Our sentence, or one for what the library says in its own words. */
function inWords(issue: z.core.$ZodIssue): string {
  const place = placeOf(issue.path);
  if (issue.code === 'unrecognized_keys')
    return `${place || 'it'} has settings that nobody reads: ${issue.keys.join(', ')}`;
  if (issue.code === 'invalid_type' && /^Invalid input/.test(issue.message))
    return `${place || 'it'} must be ${issue.expected === 'object' ? 'settings with their names, like the example of docs/providers.md' : `of type ${issue.expected}`}`;
  return `${place} ${issue.message}`;
}

/** `providers[0].base_url` */
function placeOf(at: readonly PropertyKey[]): string {
  return at.reduce<string>(
    (all, key) => (typeof key === 'number' ? `${all}[${key}]` : `${all}${all && '.'}${String(key)}`),
    '',
  );
}

const originsOf = ({ base_url, previous_urls }: Entry) =>
  [base_url, ...previous_urls].map((url) => new URL(url).origin);

const ENDING_WORK = DIALECTS.filter(({ cancel }) => cancel !== null).map(({ name }) => name);
const canEndWork = (name: string) => ENDING_WORK.includes(name);

/** Two that share a name or a server could not be told apart: one would take the other's videos for nobody's. */
function faultsOf(entry: Entry, place: number, all: readonly Entry[]): string[] {
  const before = all.slice(0, place);
  const origins = originsOf(entry);
  const other = before.find((each) => originsOf(each).some((origin) => origins.includes(origin)));
  return [
    ...(before.some(({ name }) => name === entry.name) ? [`providers[${place}].name is another provider's too`] : []),
    ...(other === undefined
      ? []
      : [`providers[${place}].base_url or previous_urls is the server of the provider ${other.name} too`]),
    ...(entry.can.cancel === true && !canEndWork(entry.dialect)
      ? [`providers[${place}].can.cancel needs a dialect that can end unfinished work: ${ENDING_WORK.join(', ')}`]
      : []),
  ];
}

interface Secrets {
  readonly apiKey: string | undefined;
  readonly webhookSecret: string | undefined;
}

const NO_SECRETS: Secrets = { apiKey: undefined, webhookSecret: undefined };

function readSecrets(entry: Entry, place: number, { environment }: ProvidersFile, faults: string[]): Secrets {
  const read = (what: 'api_key' | 'webhook_secret') => {
    const [name, from] = [entry[`${what}_env`], entry[`${what}_file`]];
    if (name === undefined && from === undefined) return undefined;
    const value = (name === undefined ? readText(from ?? '')?.trim() : environment[name]) ?? '';
    if (what === 'api_key' && value !== '' && !isHeaderText(value)) {
      faults.push(`providers[${place}].${what}_${name === undefined ? 'file' : 'env'}: what it names ${HEADER_TEXT}`);
      return undefined;
    }
    if (value !== '') return value;
    const how = name === undefined ? 'a file that is empty or can’t be read' : `${name}, which is not set`;
    faults.push(`providers[${place}].${what}_${name === undefined ? 'file' : 'env'} names ${how}`);
    return undefined;
  };
  return { apiKey: read('api_key'), webhookSecret: read('webhook_secret') };
}

function toCapabilities({ list, list_shows_prompts, cancel, webhooks }: Entry['can']): Partial<Capabilities> {
  return {
    ...(list !== undefined && { list }),
    ...(list_shows_prompts !== undefined && { listShowsPrompts: list_shows_prompts }),
    ...(cancel !== undefined && { cancel }),
    ...(webhooks !== undefined && { webhooks }),
  };
}

function toEntry(entry: Entry, { apiKey = '', webhookSecret }: Secrets, { proxyUrl }: ProvidersFile): ProviderEntry {
  return {
    name: entry.name,
    baseUrl: entry.base_url,
    previousUrls: entry.previous_urls,
    apiKey,
    webhookSecret,
    dialect: entry.dialect,
    can: toCapabilities(entry.can),
    createEncoding: entry.create_encoding,
    sendLabels: entry.send_user_and_metadata,
    contentHosts: entry.content_hosts,
    proxyUrl: entry.proxy ? proxyUrl : undefined,
    probe: entry.probe,
    videosAtOnce: entry.limits.videos_at_once,
    requestsPerMinute: entry.limits.requests_per_minute,
    sweepIntervalMs: entry.sweep_interval_ms,
  };
}
