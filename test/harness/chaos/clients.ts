import { setTimeout as delay } from 'node:timers/promises';
import OpenAI, { APIError } from 'openai';
import { call, codeOf, createBody, idOf, isDefinite, providerTroubleOf, sendHalf } from './http.ts';
import type { Answer, Place } from './http.ts';
import type { PlannedRequest } from './requests.ts';
import { Watcher } from './watching.ts';
import type { Seen } from './watching.ts';

/** Realistic clients: they retry with the same key, hang up, come back, cancel, ask twice. */

export interface Tenant {
  readonly name: string;
  readonly accountId: string;
  readonly key: string;
  /** The sum of its grants, as counted by the grantor. */
  granted: number;
}

/** What a client knows at the end. */
export type Known =
  | { readonly outcome: 'accepted'; readonly id: string }
  | { readonly outcome: 'refused'; readonly status: number; readonly code: string | null }
  /** A 503, and no further try: nothing may ever be held. */
  | { readonly outcome: 'unavailable' }
  /** It left, or had no answer: there may be one generation, not two. */
  | { readonly outcome: 'unknown'; readonly why: string };

/** How one try was answered: "503 temporarily_unavailable". */
export interface Try {
  readonly answer: string;
  readonly providerTrouble: ReturnType<typeof providerTroubleOf>;
  /** Of its answer. */
  readonly at_ms: number;
}

export interface Asked {
  readonly request: PlannedRequest;
  readonly tenant: Tenant;
  readonly known: Known;
  /** Every id that any answer to this request named. */
  readonly ids: ReadonlySet<string>;
  readonly tries: readonly Try[];
  /** What its client saw afterwards; resolves when that looks no longer. */
  readonly seen: Promise<Seen>;
  /** Violations of the API's contract on the way. */
  readonly complaints: readonly string[];
}

export interface Clients extends Place {
  /** Aborted when nobody has to wait any longer. */
  readonly over: AbortSignal;
  /** Aborted when there is nothing more to see. */
  readonly watched: AbortSignal;
}

interface Story {
  readonly ids: Set<string>;
  readonly complaints: string[];
  readonly tries: Try[];
}

const NOTHING_SEEN: Promise<Seen> = Promise.resolve({ shown: null, claim: null, complaints: [] });
const PATIENCE_MS = 25_000;
const LONGEST_WAIT_MS = 2500;

/** Plays one request to its end; resolves when its client knows the outcome, or never will. */
export async function play(clients: Clients, request: PlannedRequest, tenant: Tenant): Promise<Asked> {
  const story: Story = { ids: new Set(), complaints: [], tries: [] };
  const known = await knowledge(clients, request, tenant, story);
  if (known.outcome === 'accepted') story.ids.add(known.id);
  const seen =
    known.outcome === 'accepted' ? new Watcher(clients, request, tenant.key, known.id).watch() : NOTHING_SEEN;
  return { request, tenant, known, seen, ...story };
}

async function knowledge(clients: Clients, request: PlannedRequest, tenant: Tenant, story: Story): Promise<Known> {
  switch (request.manner) {
    case 'keyed':
      return untilDefinite(clients, request, tenant, story);
    case 'twins':
      return twins(clients, request, tenant, story);
    case 'otherBody':
      return otherBody(clients, request, tenant, story);
    case 'sdk':
      return bySdk(clients, request, tenant, story);
    case 'once':
    case 'leaves':
      return once(clients, request, tenant, story);
    case 'half':
      await sendHalf(clients, tenant.key, request);
      return { outcome: 'unavailable' };
    case 'badBody':
      return untilDefinite(clients, request, tenant, story, () =>
        JSON.stringify({ prompt: request.prompt, model: request.model, seconds: '5' }),
      );
  }
}

/** With its key, at either process, until the answer is one to rely on. */
async function untilDefinite(
  clients: Clients,
  request: PlannedRequest,
  tenant: Tenant,
  story: Story,
  body = () => createBody(request, request.prompt),
): Promise<Known> {
  for (let tries = 0; !clients.over.aborted; tries += 1) {
    const answer = await call(clients, request.random, {
      method: 'POST',
      path: '/v1/videos',
      key: tenant.key,
      headers: { 'idempotency-key': request.key },
      body,
      patience_ms: request.patience_ms[tries] ?? PATIENCE_MS,
    });
    story.tries.push(tryOf(answer));
    if (isDefinite(answer)) return knownBy(answer);
    const wait_ms = Math.min(LONGEST_WAIT_MS, answer.retryAfter_ms ?? 200 * 1.6 ** tries);
    await delay(wait_ms * (0.5 + request.random.next() / 2));
  }
  story.complaints.push('no try with its key ever had a definite answer');
  return { outcome: 'unknown', why: 'never a definite answer' };
}

function tryOf(answer: Answer): Try {
  const providerTrouble = providerTroubleOf(answer);
  const words = [answer.status, codeOf(answer), providerTrouble && `(provider ${providerTrouble})`];
  const inWords = answer.status === null ? 'no answer' : words.filter((word) => word !== null).join(' ');
  return { answer: inWords, providerTrouble, at_ms: Date.now() };
}

function knownBy(answer: Answer): Known {
  const id = idOf(answer);
  if (answer.status === 200 && id !== null) return { outcome: 'accepted', id };
  if (answer.status === 503) return { outcome: 'unavailable' };
  if (answer.status === null || answer.status >= 500) return { outcome: 'unknown', why: codeOf(answer) ?? 'no answer' };
  return { outcome: 'refused', status: answer.status, code: codeOf(answer) };
}

async function twins(clients: Clients, request: PlannedRequest, tenant: Tenant, story: Story): Promise<Known> {
  const other = { ...request, random: request.random.fork('twin'), patience_ms: [] };
  const [one, two] = await Promise.all([request, other].map((each) => untilDefinite(clients, each, tenant, story)));
  for (const known of [one, two]) if (known?.outcome === 'accepted') story.ids.add(known.id);
  if (JSON.stringify(one) !== JSON.stringify(two)) {
    story.complaints.push(`one key was answered in two ways: ${JSON.stringify(one)} and ${JSON.stringify(two)}`);
  }
  return one ?? { outcome: 'unknown', why: 'no twin' };
}

async function otherBody(clients: Clients, request: PlannedRequest, tenant: Tenant, story: Story): Promise<Known> {
  const known = await untilDefinite(clients, request, tenant, story);
  const other = await untilDefinite(clients, request, tenant, story, () =>
    createBody(request, `${request.prompt}, other`),
  );
  // A request that was refused for its funds is answered so again only with its own body.
  if (other.outcome !== 'refused' || other.status !== 422) {
    story.complaints.push(`another body with the same key was answered ${JSON.stringify(other)}`);
  }
  return known;
}

/** Without a key. A client that leaves hangs up early and mostly knows nothing; a 503 means that nothing is held. */
async function once(clients: Clients, request: PlannedRequest, tenant: Tenant, story: Story): Promise<Known> {
  const answer = await call(clients, request.random, {
    method: 'POST',
    path: '/v1/videos',
    key: tenant.key,
    body: () => createBody(request, request.prompt),
    patience_ms: request.patience_ms[0] ?? PATIENCE_MS,
  });
  story.tries.push(tryOf(answer));
  return knownBy(answer);
}

async function troubleOf(answer: Response): Promise<Pick<Try, 'providerTrouble'>> {
  return { providerTrouble: answer.ok ? null : providerTroubleOf({ body: await answer.json() }) };
}

/** The unchanged SDK behind a load balancer: each of its tries goes to one of the processes. */
async function bySdk(clients: Clients, request: PlannedRequest, tenant: Tenant, story: Story): Promise<Known> {
  const balanced: typeof fetch = async (input, init) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    const answering = fetch(`${request.random.pick(clients.apis)}${pathname}`, init);
    const seen = await answering
      .then(async (answer) => ({ answer: `sdk: ${answer.status}`, ...(await troubleOf(answer.clone())) }))
      .catch(() => ({ answer: 'sdk: no answer', providerTrouble: null }));
    story.tries.push({ ...seen, at_ms: Date.now() });
    return answering;
  };
  const openai = new OpenAI({
    apiKey: tenant.key,
    baseURL: 'http://balanced/v1',
    maxRetries: request.sdkRetries,
    timeout: request.sdkTimeout_ms,
    fetch: balanced,
    logLevel: 'off',
  });
  try {
    const { id } = await openai.videos.create({
      prompt: request.prompt,
      model: request.model,
      seconds: request.seconds,
    });
    return { outcome: 'accepted', id };
  } catch (error) {
    if (!(error instanceof APIError)) throw error;
    const status = error.status as number | undefined;
    // Earlier tries of the same call may have left something behind, so even its last 503 proves nothing.
    if (status === undefined || status >= 500 || status === 409 || status === 429) {
      return { outcome: 'unknown', why: `the SDK gave up: ${String(status ?? error.message)}` };
    }
    return { outcome: 'refused', status, code: typeof error.code === 'string' ? error.code : null };
  }
}
