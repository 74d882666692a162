import type { Context } from 'hono';
import type { KeptAnswer } from '../../ledger/index.ts';
import type { Caller } from '../../store/index.ts';
import { isServed, onDisconnect } from '../http/connection.ts';
import type { ApiDependencies, Env } from '../http/deps.ts';
import { ApiError, envelopeOf } from '../http/errors.ts';
import { readIdempotencyKey } from '../http/idempotencyKey.ts';

/** How a POST is recognised as a repeat of an earlier one. */
export interface Repeat {
  readonly idempotencyKey: string | null;
  /**
   * Set for an SDK's own retry, which has no key but says that it is one: the request that it repeats came within this time.
   * Null when this is not a retry.
   */
  readonly retryWithinMs: number | null;
  /** Which try of its call an SDK says that this is, from 0; null where none says so. */
  readonly tryNumber: number | null;
  /** True proves that the client will not receive the answer; false proves nothing. */
  readonly hasClientDisconnected: () => boolean;
  readonly onDisconnect: (gone: () => void) => void;
}

/** How far back a retry reaches when it does not say how long its client waits: SDKs wait ten minutes, three times. */
const DEFAULT_WINDOW_MS = 45 * 60_000;
/** The client's pause between two tries, plus network latency. */
const BETWEEN_TRIES_MS = 10_000;
/** No client retries by itself for longer, whatever its headers say. */
const MAXIMUM_WINDOW_MS = 24 * 3600_000;

export function readRepeat(c: Context<Env>): Repeat {
  const retryCount = c.req.header('x-stainless-retry-count');
  return {
    idempotencyKey: readIdempotencyKey(c.req.header('idempotency-key')),
    retryWithinMs: retryWindowMs(retryCount, c.req.header('x-stainless-timeout')),
    tryNumber: /^\d{1,3}$/.test(retryCount ?? '') ? Number(retryCount) : null,
    hasClientDisconnected: () => isServed(c.env) && c.env.incoming.socket.destroyed,
    onDisconnect: (gone) => onDisconnect(c.env, gone),
  };
}

/** How far back an SDK's retry reaches; null when it is not a retry. Implausible numbers widen it: replaying is safer than charging. */
export function retryWindowMs(retryCount: string | undefined, timeoutSeconds: string | undefined): number | null {
  const retries = /^\d+$/.test(retryCount ?? '') ? Number(retryCount) : 0;
  if (retries < 1) return null;
  if (!/^\d+(\.\d+)?$/.test(timeoutSeconds ?? '')) return DEFAULT_WINDOW_MS;
  const windowMs = retries * (Number(timeoutSeconds) * 1000 + BETWEEN_TRIES_MS);
  return Math.ceil(Math.min(windowMs, MAXIMUM_WINDOW_MS));
}

/**
 * Records that the API key which created this generation has named its id: the only proof that the response arrived
 * (MR-88). Until then an SDK's retry is answered with this generation. The console shows every generation of the account: that
 * it names one doesn't prove that the program which asked for it was answered.
 */
export async function noteKnown(
  { ledger, log }: Pick<ApiDependencies, 'ledger' | 'log'>,
  { apiKeyId, isConsole }: Caller,
  generation: { readonly id: string; readonly apiKeyId: string; readonly isKnown: boolean },
): Promise<void> {
  if (isConsole === true || generation.isKnown || generation.apiKeyId !== apiKeyId) return;
  await ledger.markKnown(generation.id, apiKeyId).catch((error: unknown) => {
    // The worst that follows is that a new request is taken for a retry, and nothing is charged for it.
    log.warn({ err: error, generationId: generation.id }, 'could not record that the client knows its generation');
  });
}

/** Keeps the response about this generation for its idempotency key, if it has one. */
export async function keepAnswer(
  { ledger, log }: ApiDependencies,
  caller: Caller,
  { idempotencyKey }: Repeat,
  generationId: string,
  answer: KeptAnswer,
): Promise<void> {
  if (idempotencyKey === null) return;
  // A repeat can be answered from the generation as well, so the client still gets this response.
  await ledger.keepAnswer(caller.accountId, idempotencyKey, answer, generationId).catch((error: unknown) => {
    log.warn({ err: error }, 'could not keep a response for its idempotency key');
  });
}

/** Keeps a 402, for lack of credits or because of the key's spend limit, and raises the error again. */
export function keepRefusal(deps: ApiDependencies, caller: Caller, repeat: Repeat, generationId: string) {
  return async (error: unknown): Promise<never> => {
    if (error instanceof ApiError && error.status === 402) {
      await keepAnswer(deps, caller, repeat, generationId, { status: 402, body: envelopeOf(error, 'paying') });
    }
    throw error;
  };
}
