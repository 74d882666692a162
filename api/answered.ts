import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { Caller, KeptAnswer } from '../ledger/index.ts';
import { isServed } from './connection.ts';
import type { ApiDependencies, Env } from './deps.ts';
import { ApiError, envelopeOf } from './errors.ts';
import type { Repeat } from './startGeneration.ts';

/**
 * A connection that is still whole this long after the answer's last byte was handed over has delivered it. Longer than
 * an SDK waits before it tries again, so its retry finds the generation not yet marked; shorter than clients keep an
 * idle connection.
 */
const DELIVERED_AFTER_MS = 3000;

/**
 * Calls `delivered` once the answer can be taken to have reached its client. A connection that breaks before proves
 * nothing, and then an SDK's own retry replays the answer instead of paying twice.
 */
function onDelivered({ incoming, outgoing }: HttpBindings, delivered: () => void): void {
  const { socket } = incoming;
  outgoing.once('finish', () => {
    const timer = setTimeout(() => {
      if (!socket.destroyed) delivered();
    }, DELIVERED_AFTER_MS);
    timer.unref();
  });
}

/** How a POST can be known again. An SDK counts its own retries in a header of its own. */
export function readRepeat(c: Context<Env>): Repeat {
  const idempotencyKey = c.req.header('idempotency-key') ?? null;
  if (idempotencyKey !== null && !/^[\x20-\x7e]{1,255}$/.test(idempotencyKey)) {
    throw new ApiError('invalid_request', 'Idempotency-Key: must be 1 to 255 printable characters. Nothing was held.', {
      param: 'Idempotency-Key',
    });
  }
  return {
    idempotencyKey,
    isRetry: Number(c.req.header('x-stainless-retry-count') ?? 0) >= 1,
    isGone: () => isServed(c.env) && c.env.incoming.socket.destroyed,
  };
}

/** Marks the generation once its answer, a 200, was delivered: an SDK that is told of a fault finds it unanswered. */
export function markDelivered({ ledger, log }: ApiDependencies, c: Context<Env>, generationId: string): void {
  if (!isServed(c.env)) return;
  onDelivered(c.env, () => {
    // Unmarked, an SDK's retry would replay the answer: the safe side.
    ledger.markAnswered(generationId).catch((error: unknown) => {
      log.warn({ err: error, generationId }, 'an answer could not be marked as sent');
    });
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
