import type { Context } from 'hono';
import type { KeptAnswer } from '../../ledger/index.ts';
import type { Caller } from '../../store/index.ts';
import { isServed } from '../http/connection.ts';
import type { ApiDependencies, Env } from '../http/deps.ts';
import { ApiError, envelopeOf } from '../http/errors.ts';
import { readIdempotencyKey } from '../http/idempotencyKey.ts';

/** How a POST can be known again. */
export interface Repeat {
  readonly idempotencyKey: string | null;
  /**
   * Of an SDK's own retry, which says so and has no key: the request that it repeats was handed out within this time. Null: it
   * is no retry.
   */
  readonly retryWithinMs: number | null;
  /** True proves that the client will not receive the answer; false proves nothing. */
  readonly hasClientDisconnected: () => boolean;
}

/** A retry that does not say how long its client waits may come this long after the request: SDKs wait ten minutes, thrice. */
const UNSAID_WINDOW_MS = 45 * 60_000;
/** What a client sleeps between two tries, and what the way here takes. */
const BETWEEN_TRIES_MS = 10_000;
/** No client repeats by itself for longer, whatever its headers say. */
const MAXIMUM_WINDOW_MS = 24 * 3600_000;

export function readRepeat(c: Context<Env>): Repeat {
  return {
    idempotencyKey: readIdempotencyKey(c.req.header('idempotency-key')),
    retryWithinMs: retryWindowMs(c.req.header('x-stainless-retry-count'), c.req.header('x-stainless-timeout')),
    hasClientDisconnected: () => isServed(c.env) && c.env.incoming.socket.destroyed,
  };
}

/** How far back an SDK's retry reaches; null for what is no retry. Numbers that make no sense widen it: better replayed than paid. */
export function retryWindowMs(retryCount: string | undefined, timeoutSeconds: string | undefined): number | null {
  const retries = /^\d+$/.test(retryCount ?? '') ? Number(retryCount) : 0;
  if (retries < 1) return null;
  if (!/^\d+(\.\d+)?$/.test(timeoutSeconds ?? '')) return UNSAID_WINDOW_MS;
  const windowMs = retries * (Number(timeoutSeconds) * 1000 + BETWEEN_TRIES_MS);
  return Math.ceil(Math.min(windowMs, MAXIMUM_WINDOW_MS));
}

/**
 * Notes that the API key that asked for this generation names its id: the only proof that the answer arrived (MR-88). Until then an
 * SDK's retry is answered with this generation.
 */
export async function noteKnown(
  { ledger, log }: Pick<ApiDependencies, 'ledger' | 'log'>,
  { apiKeyId }: Caller,
  generation: { readonly id: string; readonly apiKeyId: string; readonly isKnown: boolean },
): Promise<void> {
  if (generation.isKnown || generation.apiKeyId !== apiKeyId) return;
  await ledger.markKnown(generation.id, apiKeyId).catch((error: unknown) => {
    // Then a retry is answered with it, and not charged.
    log.warn({ err: error, generationId: generation.id }, 'it could not be noted that a client knows its generation');
  });
}

/** Keeps the answer about this generation for its idempotency key, if it has one. */
export async function keepAnswer(
  { ledger, log }: ApiDependencies,
  caller: Caller,
  { idempotencyKey }: Repeat,
  generationId: string,
  answer: KeptAnswer,
): Promise<void> {
  if (idempotencyKey === null) return;
  // The generation tells the same without it, so the answer at hand is not withheld for this.
  await ledger.keepAnswer(caller.accountId, idempotencyKey, answer, generationId).catch((error: unknown) => {
    log.warn({ err: error }, 'an answer could not be kept for its idempotency key');
  });
}

/** Keeps a refusal for lack of credits, or of what a key may spend, and raises it on. */
export function keepRefusal(deps: ApiDependencies, caller: Caller, repeat: Repeat, generationId: string) {
  return async (error: unknown): Promise<never> => {
    if (error instanceof ApiError && error.status === 402) {
      await keepAnswer(deps, caller, repeat, generationId, { status: 402, body: envelopeOf(error) });
    }
    throw error;
  };
}
