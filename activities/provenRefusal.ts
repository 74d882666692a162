import { Context } from '@temporalio/activity';
import type { SubmitOutcome } from '../contracts/activities.ts';
import type { CreateRefusal } from '../provider/index.ts';
import type { ProviderDependencies } from './dependencies.ts';

/** A refusal that proves that nothing was made, of a video or a text. */
type NothingMade = Extract<SubmitOutcome, { outcome: 'refused' | 'not_made' }>;

/**
 * A process that was halted between the attempt's commit and the call may resume after another process has searched for the
 * result, found nothing and acted on that. Then the call must not be made.
 */
const STALE_AFTER_MS = 10_000;

/** Closes the attempt as not made when this process was halted meanwhile or is shutting down; undefined: the call may be made. */
export async function giveUpIfHalted(
  { store }: ProviderDependencies,
  generationId: string,
  number: number,
  askedAtMs: number,
): Promise<NothingMade | undefined> {
  const { cancellationSignal } = Context.current();
  if (performance.now() - askedAtMs <= STALE_AFTER_MS && !cancellationSignal.aborted) return undefined;
  const why = 'the worker was halted before the call';
  await store.endAttempt(generationId, number, { outcome: 'not_made', code: 'not_sent', message: why });
  return { outcome: 'not_made', why, retryAfterMs: null };
}

/** Closes the attempt according to what the refusal proves (MR-12, MR-13, MR-40). */
export async function recordRefusal(
  { store, count }: ProviderDependencies,
  generationId: string,
  number: number,
  refusal: Exclude<CreateRefusal, { outcome: 'ambiguous' }>,
): Promise<NothingMade> {
  const { outcome, message } = refusal;
  if (outcome === 'clients_fault') {
    await store.endAttempt(generationId, number, { outcome: 'refused', code: refusal.code, message });
    return { outcome: 'refused', errorCode: refusal.code };
  }
  if (outcome === 'operators_fault') count('provider_operator_fault');
  await store.endAttempt(generationId, number, { outcome: 'not_made', code: outcome, message });
  return { outcome: 'not_made', why: refusal.why, retryAfterMs: refusal.retryAfterMs };
}
