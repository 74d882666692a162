import OpenAI from 'openai';
import { canonicalVideoId } from '../contracts/providerVideoId.ts';
import type { AddressRules } from '../network/index.ts';
import { type Answer, readAnswer, unreadable } from './answer.ts';
import { readCancel } from './cancelVideo.ts';
import { type ContentAnswer, readContentAnswer } from './contentAnswer.ts';
import { readDeletion, sortDeletion } from './deleteVideo.ts';
import { type Capabilities, capabilitiesOf, type CreateEncoding, dialectCalled } from './dialects/index.ts';
import { createDownload, type Download } from './download.ts';
import { readWebhook } from './events.ts';
import { encodeCreate, encodeLabels } from './encoding.ts';
import {
  bodyOfError,
  type CallTrouble,
  describeTrouble,
  sortCreateError,
  sortToldError,
  type SortedError,
} from './errors.ts';
import { isHeaderText } from './headerText.ts';
import { listVideos } from './listVideos.ts';
import { createRefusal } from './refusal.ts';
import { createRedact, type Redact } from './redact.ts';
import { CallFailed, createTransport, TEXT_TIMEOUT_MS, type Transport } from './transport.ts';
import type { CallKind, TakeTurn } from './turns.ts';
import { parseVideo, type Reading } from './videoObject.ts';
import type {
  CreateRefusal,
  CreateResult,
  DownloadOptions,
  Provider,
  ProviderVideo,
  RetrieveResult,
  SentLabels,
  Trouble,
} from './types.ts';
import { writeText } from './writeText.ts';

/** The address rules apply to redirects of contents; tests replace them. */
export interface ProviderSettings extends AddressRules {
  readonly name: string;
  /** Including /v1; http or https, without user name or password. */
  readonly baseUrl: string;
  /** Where the same server was before, with the same videos, the oldest first. */
  readonly previousUrls?: readonly string[];
  /** With which it signs its webhooks; unset: it sends none. */
  readonly webhookSecret?: string | undefined;
  readonly apiKey: string;
  /** The name of a dialect (provider/dialects); `auto` by default. */
  readonly dialect?: string;
  /** The dialect's own by default. */
  readonly createEncoding?: CreateEncoding | undefined;
  /** What this very provider can, where it differs from its dialect. */
  readonly can?: Partial<Capabilities>;
  /** Whether `user` and `metadata` are sent with what is created; false by default, because they may be personal data. */
  readonly sendLabels?: boolean;
  readonly connectTimeoutMs?: number;
  /** Limits a call including its body, and a download up to its headers. */
  readonly callTimeoutMs?: number;
  /** `host` or `host:port`: where redirects of contents may lead, besides public addresses and the provider's own origin. */
  readonly contentHosts?: readonly string[];
  /** How many videos it may have at once; unset: any number. */
  readonly videosAtOnce?: number | undefined;
  /** How many requests it may get in a minute, from all processes; unset: any number. */
  readonly requestsPerMinute?: number | undefined;
  /** The sweep asks for one page of its list in this time, at most; unset or 0: its list is not swept. */
  readonly sweepIntervalMs?: number | undefined;
  /** Asked before each request where there is such a limit, but for creates, texts and cancels, which take the turn of their call before it is committed. */
  readonly takeTurn?: TakeTurn;
  /** An HTTP proxy, with its credentials: `http://user:password@proxy:3128`. */
  readonly proxyUrl?: string | undefined;
}

/** A model may take a while before its first word. */
const FIRST_WORD_TIMEOUT_MS = 120_000;

/**
 * A client of one server that speaks OpenAI's Videos API. Each method makes one request; Temporal retries. Raises TypeError
 * when the base URL is invalid or contains credentials, when the key can't be sent in a header, when there is no such dialect, or when nobody keeps its requests a minute.
 */
export function createProvider(settings: ProviderSettings): Provider {
  const { apiKey, connectTimeoutMs = 5000, callTimeoutMs = 30_000, proxyUrl, webhookSecret } = settings;
  const baseUrl = settings.baseUrl.replace(/\/+$/, '');
  // Errors and the doctor name the base URL, so it must not hold a secret.
  const url = new URL(baseUrl);
  if (url.username !== '' || url.password !== '') throw new TypeError('the base URL must not carry credentials');
  if (!isHeaderText(apiKey)) throw new TypeError('the key can not be sent in a header');
  const redact = createRedact(apiKey, baseUrl);
  const transport = createTransport({ connectTimeoutMs, callTimeoutMs, proxyUrl });
  const { contentHosts = [] } = settings;
  const dialect = dialectCalled(settings.dialect ?? 'auto');
  if (dialect === undefined) throw new TypeError(`there is no dialect "${settings.dialect}"`);
  const reading = { redact, dialect };
  const can = capabilitiesOf(dialect, settings.can);
  const turn = turnsOf(settings);
  const { elsewhere } = dialect.content;
  const get = createDownload({ ...settings, baseUrl, connectTimeoutMs, callTimeoutMs, contentHosts, elsewhere });
  const client = createClient(baseUrl, apiKey, callTimeoutMs, transport.call);
  const writer = createClient(baseUrl, apiKey, FIRST_WORD_TIMEOUT_MS, transport.open);
  const labelsOf = ({ labels }: { readonly labels?: SentLabels }) =>
    settings.sendLabels === true && labels !== undefined ? encodeLabels(labels) : {};
  const ask = <T>(request: () => Promise<Response>, read: (answer: Answer) => T | Trouble) =>
    askFor(request, read, redact);
  const retrieveVideo = async (id: string, kind: CallKind = 'look') => {
    await turn(kind);
    return retrieve(() => client.videos.retrieve(id).asResponse(), id, reading);
  };
  const createForm = {
    encoding: settings.createEncoding ?? dialect.create.encoding,
    jsonReference: dialect.create.jsonReference,
    imageLists: dialect.create.imageLists,
  };
  return {
    name: settings.name,
    identity: identityOf(settings),
    baseUrl,
    videosAtOnce: settings.videosAtOnce ?? null,
    requestsPerMinute: settings.requestsPerMinute ?? null,
    sweepIntervalMs: can.list === 'none' ? null : sweepIntervalOf(settings),
    dialect: dialect.name,
    can,
    readWebhook: webhookSecret === undefined ? null : (headers, body) => readWebhook(webhookSecret, headers, body),

    async createVideo(request) {
      if (request.remixedFrom !== undefined) {
        const path = `/videos/${encodeURIComponent(request.remixedFrom)}/remix`;
        const remix = () => client.post(path, { body: { prompt: request.prompt, ...labelsOf(request) } }).asResponse();
        return create(remix, reading, remixRefusal);
      }
      const encoded = encodeCreate(request, createForm, labelsOf(request));
      if (encoded === undefined) return IMAGES_NOT_TAKEN;
      return create(() => client.post('/videos', encoded).asResponse(), reading);
    },

    writeText: (request, onOutput) =>
      writeText(writer, request, labelsOf(request), onOutput, { redact, timeoutMs: TEXT_TIMEOUT_MS }),

    retrieveVideo: (id) => retrieveVideo(id),

    async listVideos({ after, limit = 100, isOfSweep = false } = {}) {
      await turn(isOfSweep ? 'sweep' : after === undefined ? 'list' : 'rest');
      const query = { ...dialect.list.query, limit, order: 'desc', ...(after !== undefined && { after }) };
      return listVideos(() => client.get('/videos', { query }).asResponse(), limit, reading, settings.can);
    },

    async askModels() {
      await turn('models');
      return ask(
        () => client.models.list().asResponse(),
        () => ({ outcome: 'answered' as const }),
      );
    },

    turnToCancel: () => turn('cancel'),

    async cancelVideo(id) {
      const answered = await ask(
        () => client.videos.delete(id).asResponse(),
        (answer) => answer,
      );
      return readCancel(dialect, id, answered);
    },

    async deleteVideo(id) {
      await turn('delete');
      const deleted = await ask(
        () => client.videos.delete(id).asResponse(),
        (answer) => readDeletion(answer.body),
      );
      return deleted.outcome === 'transient' ? sortDeletion(deleted, () => retrieveVideo(id, 'rest')) : deleted;
    },

    async downloadContent(id, options = {}) {
      if (!dialect.content.variants.includes(options.variant ?? 'video')) return { outcome: 'missing' };
      await turn('content');
      return download(get, id, options);
    },
  };
}

/** Refused before it is sent: the provider would make the video without them. */
const IMAGES_NOT_TAKEN = {
  outcome: 'clients_fault',
  code: 'images_not_supported',
  message: 'The provider takes no frame_images and no input_references.',
} as const;

function turnsOf(settings: ProviderSettings): (kind: CallKind) => Promise<void> {
  const { name, requestsPerMinute, takeTurn } = settings;
  if (requestsPerMinute === undefined) return () => Promise.resolve();
  if (takeTurn === undefined) throw new TypeError(`nobody keeps the requests a minute of the provider ${name}`);
  const identity = identityOf(settings);
  return (kind) => takeTurn({ kind, name, identity, requestsPerMinute });
}

/** Of the requests that a provider may get in a minute, the sweep takes one in so many at most. */
const SHARE_OF_SWEEP = 4;

function sweepIntervalOf({ sweepIntervalMs, requestsPerMinute }: ProviderSettings): number | null {
  if (sweepIntervalMs === undefined || sweepIntervalMs === 0) return null;
  return Math.max(sweepIntervalMs, requestsPerMinute === undefined ? 0 : (SHARE_OF_SWEEP * 60_000) / requestsPerMinute);
}

/** The name and the first origin: a server that moved is the same one, and one with another name never is (MR-38). */
export function identityOf({
  name,
  baseUrl,
  previousUrls = [],
}: Pick<ProviderSettings, 'name' | 'baseUrl' | 'previousUrls'>): string {
  return `${name}@${new URL(previousUrls[0] ?? baseUrl).origin}`;
}

/** Sets everything that the SDK would read from the environment. Its log is off, because it would contain prompts. */
function createClient(baseURL: string, apiKey: string, timeout: number, fetch: Transport['call']): OpenAI {
  return new OpenAI({
    baseURL,
    apiKey,
    timeout,
    maxRetries: 0,
    fetch,
    logLevel: 'off',
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
  });
}

/** The one 404 that is the client's fault: the original of a remix is gone. */
function remixRefusal(sorted: SortedError): CreateRefusal {
  if (sorted.fault !== 'operators_fault' || sorted.status !== 404) return createRefusal(sorted);
  return {
    outcome: 'clients_fault',
    code: 'original_unavailable',
    message: 'The provider no longer has the video that was to be remixed.',
  };
}

async function create(
  request: () => Promise<Response>,
  reading: Reading,
  refuse: (sorted: SortedError) => CreateRefusal = createRefusal,
): Promise<CreateResult> {
  let answer: Answer;
  try {
    answer = await readAnswer(await request());
  } catch (error) {
    return refuse(sortCreateError(error, reading.redact));
  }
  const video = parseVideo(answer.body, reading);
  return video === null
    ? refuse(sortToldError(answer.status, answer.body, reading.redact))
    : { outcome: 'created', video };
}

async function retrieve(request: () => Promise<Response>, id: string, reading: Reading): Promise<RetrieveResult> {
  let answer: Answer;
  try {
    answer = await readAnswer(await request());
  } catch (error) {
    const trouble = describeTrouble(error, reading.redact);
    const video = parseVideo(bodyOfError(error), reading);
    return video !== null && isSame(video.id, id) && isVerdictOf(video, trouble)
      ? { outcome: 'seen', video }
      : { outcome: 'transient', ...trouble };
  }
  const video = parseVideo(answer.body, reading);
  if (video === null) return unreadable(answer);
  // A gateway's cache may hand out another video, and its `completed` would charge this one.
  return isSame(video.id, id) ? { outcome: 'seen', video } : unreadable(answer, 'about another video');
}

/** Gateways spell one video's id in several ways (MR-74). */
function isSame(told: string, asked: string): boolean {
  return canonicalVideoId(told) === canonicalVideoId(asked);
}

/**
 * A body that is this video is an answer, whatever its HTTP status (MR-7): vLLM-Omni sends a failed one with 4xx or 5xx. But a
 * gateway's error that names the video has words for itself too: only OpenAI's own are taken, and none beside what we owe.
 */
function isVerdictOf({ status }: ProviderVideo, trouble: CallTrouble): boolean {
  return ['failed', 'completed'].includes(status) && trouble.debt === null && trouble.status !== 429;
}

/** Every error of a call that makes nothing is `transient`, a 404 too: it says nothing about the video (MR-3, MR-15). */
async function askFor<T>(
  request: () => Promise<Response>,
  read: (answer: Answer) => T | Trouble,
  redact: Redact,
): Promise<T | Trouble> {
  let answer: Answer;
  try {
    answer = await readAnswer(await request());
  } catch (error) {
    return { outcome: 'transient', ...describeTrouble(error, redact) };
  }
  return read(answer);
}

/** Not by the SDK: it throws on 304 and 416, and follows redirects to any address. */
async function download(
  get: Download,
  id: string,
  { variant = 'video', range, signal }: DownloadOptions,
): Promise<ContentAnswer> {
  // It is what every server sends without a variant, and some take none, or numbers only.
  const query = variant === 'video' ? '' : `?variant=${variant}`;
  try {
    const { answer: response, withKey } = await get(`/videos/${encodeURIComponent(id)}/content${query}`, range, signal);
    const answer = await readContentAnswer(response, withKey);
    // The server has no variants, and sends the video whatever is asked for.
    const isOther =
      variant !== 'video' && answer.outcome === 'part' && answer.declaredType?.startsWith('video/') === true;
    if (!isOther) return answer;
    await answer.body.cancel();
    return { outcome: 'missing' };
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error;
    return { outcome: 'trouble', why: error.why, retryAfterMs: null, whose: error.whose };
  }
}
