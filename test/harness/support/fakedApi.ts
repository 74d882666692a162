import { createApp } from '../../../api/app.ts';
import { Door } from '../../../api/door/door.ts';
import { sha256 } from '../../../api/http/auth.ts';
import type { ApiDependencies } from '../../../api/http/deps.ts';
import type { Caller, FoundKey, Generation, Store } from '../../../store/index.ts';
import { providersOf } from '../../../provider/index.ts';

/** The API without a database: its ledger and store answer what a test says. */

export const ADMIN_KEY = 'the-admin-key-of-the-tests';

const CALLER = { apiKeyId: 'key', accountId: 'acct', rotatedFrom: 'key', scopes: null, requestsPerMinute: null };
const BALANCE = {
  availableMicrocredits: 300_000,
  heldMicrocredits: 1_144_488,
  heldVideos: 2,
  heldScripts: 1,
  heldThreads: 0,
  maxActiveGenerations: 10,
  frozenAt: new Date(1_790_000_000_000),
};

interface Fakes {
  readonly ledger?: object;
  readonly store?: object;
  readonly requestsPerMinute?: number;
  readonly startTimeoutMs?: number;
  /** As many requests are sent before this one. */
  readonly requestsBefore?: number;
}

interface FakedStore {
  readonly findCaller: (hash: Buffer) => Promise<FoundKey>;
  readonly getGeneration: (accountId: string, videoId: string) => Promise<Generation | undefined>;
}

const STORE = {
  findCaller: (hash: Buffer) =>
    Promise.resolve(
      hash.equals(sha256('unknown'))
        ? ({ standing: 'unknown' } as const)
        : ({ standing: 'valid', caller: CALLER as unknown as Caller } as const),
    ),
  getGeneration: () => Promise.resolve(undefined),
  listEvents: () => Promise.resolve([]),
};

/** What reads a key and a video together answers what each of both does. */
const withReads = <Faked extends FakedStore>(store: Faked) => ({
  ...store,
  findCallersVideo: async (hash: Buffer, videoId: string) => {
    const found = await store.findCaller(hash);
    const isValid = found.standing === 'valid';
    return { found, video: isValid ? await store.getGeneration(found.caller.accountId, videoId) : undefined };
  },
});

/** Leases the requests of one minute, of each key by itself. */
export function leasingOnce(): Store['leaseRequests'] {
  const spent = new Map<string, number>();
  return ({ key, requestsPerMinute, wanted }) => {
    const before = spent.get(key) ?? 0;
    const leased = Math.min(wanted, requestsPerMinute - before);
    spent.set(key, before + leased);
    return Promise.resolve({ leased, endsInMs: 60_000 });
  };
}

/** Sends one request to the API, whose ledger and store are these. */
export async function send(path: string, init: RequestInit, fakes: Fakes = {}) {
  const quiet = () => undefined;
  const app = createApp({
    ledger: { getBalance: () => Promise.resolve(BALANCE), ...fakes.ledger },
    store: withReads({ ...STORE, leaseRequests: leasingOnce(), ...fakes.store }),
    door: new Door(new AbortController().signal),
    providers: providersOf([{ name: 'openai', identity: 'openai@http://provider.test' }]),
    adminKey: ADMIN_KEY,
    requestsPerMinute: fakes.requestsPerMinute ?? 100,
    streamLimits: { ofOneKey: 1, inAll: 1 },
    startTimeoutMs: fakes.startTimeoutMs ?? 6500,
    log: { error: quiet, warn: quiet, info: quiet },
  } as unknown as ApiDependencies);
  const headers = { authorization: 'Bearer known', ...(init.headers as Record<string, string>) };
  for (let n = 0; n < (fakes.requestsBefore ?? 0); n += 1) await app.request('/v1/credits', { headers });
  const response = await app.request(path, { ...init, headers });
  return { status: response.status, headers: response.headers, body: await response.json().catch(() => undefined) };
}

export const post = (body: object, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});
