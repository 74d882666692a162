import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { TextOutcome } from '../contracts/activities.ts';
import type { CompletionRequest, Provider } from '../provider/index.ts';
import { completionOf, parseTextRequest } from '../texts/index.ts';
import type { ProviderDependencies } from './dependencies.ts';
import { giveUpIfHalted, recordRefusal } from './provenRefusal.ts';
import { boundProvider } from './boundProvider.ts';
import { notConfigured } from './transient.ts';
import { noTurn } from './turns.ts';
import { TextWriter, untilRecorded } from './textWriter.ts';

/** How often to check whether another writer has ended the text: a client waits for it. */
const ASK_AGAIN_MS = 1000;

/** See `TextActivities.writeText`. */
export async function writeText(
  deps: ProviderDependencies,
  generationId: string,
  leastTimeLeftMs: number,
): Promise<TextOutcome> {
  const { store, providers } = deps;
  const askedAtMs = performance.now();
  const begun = await store.beginText(generationId, providers.all, leastTimeLeftMs);
  switch (begun.outcome) {
    case 'known':
      return { outcome: 'ended' };
    case 'open':
      return (await isClosed(deps, generationId))
        ? { outcome: 'ended' }
        : writeText(deps, generationId, leastTimeLeftMs);
    case 'refused':
      return { outcome: 'refused', errorCode: begun.errorCode };
    case 'settled':
    case 'cancelled':
    case 'spent':
    case 'too_late':
      return { outcome: begun.outcome };
    case 'conflict':
      throw new Error('a text has no video id that could be in conflict');
    case 'no_provider':
      throw notConfigured(null);
    case 'busy':
      throw noTurn(deps, begun);
    case 'begun':
      break;
  }
  const provider = boundProvider(deps, begun.provider);

  const { number, model, user, metadata } = begun;
  // Before the lease: then what can't be read counts as never asked.
  const completion = { ...completionOf(parseTextRequest(begun.request)), model, labels: { user, metadata } };
  const halted = await giveUpIfHalted(deps, generationId, number, askedAtMs);
  if (halted !== undefined) return halted;
  const writer = await TextWriter.take(deps, generationId, number);
  if (writer === undefined) return { outcome: 'ended' };
  try {
    return await write({ ...deps, provider }, generationId, number, completion, writer);
  } finally {
    await writer.stop();
  }
}

/**
 * An earlier call may have arrived, so it is not repeated (MR-62). While its writer holds the lease, this try fails and Temporal
 * soon makes another. False when the call was just recorded as never made, or as refused.
 */
async function isClosed({ store }: ProviderDependencies, generationId: string): Promise<boolean> {
  const closing = await store.closeText(generationId);
  if (closing !== 'writing') return closing === 'ended';
  throw ApplicationFailure.create({
    message: 'Another try of this activity is still writing the text.',
    type: 'TextIsWritten',
    category: ApplicationFailureCategory.BENIGN,
    nextRetryDelay: ASK_AGAIN_MS,
  });
}

async function write(
  deps: ProviderDependencies & { readonly provider: Provider },
  generationId: string,
  number: number,
  completion: CompletionRequest,
  writer: TextWriter,
): Promise<TextOutcome> {
  const { store, provider, log } = deps;
  const result = await provider.writeText(completion, async (output) => writer.write(output));
  switch (result.outcome) {
    case 'written':
      await untilRecorded(() => store.endText(generationId, number, result));
      return { outcome: 'ended' };
    case 'ambiguous':
      log.warn(
        { generationId, attempt: number, why: result.why },
        'a call for a text may have arrived; it is not repeated',
      );
      await untilRecorded(() => store.noteAmbiguousAttempt(generationId, number, result.why));
      await untilRecorded(() => store.endText(generationId, number, { output: '', finishReason: null, usage: null }));
      return { outcome: 'ended' };
    default:
      return untilRecorded(() => recordRefusal(deps, generationId, number, result));
  }
}
