import { v7 as uuidv7 } from 'uuid';
import { kindOf, textId } from '../../contracts/ids.ts';
import type { Caller, Text } from '../../store/index.ts';
import { inputBoundTokens, maxOutputTokens, type TextRequest } from '../../provider/index.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { ApiError } from '../http/errors.ts';
import { fingerprintOf } from '../http/fingerprint.ts';
import { following } from '../generations/following.ts';
import { keepAnswer, keepRefusal, type Repeat } from '../generations/repeat.ts';
import type { Order, Started } from '../generations/startGeneration.ts';
import { startGeneration } from '../generations/startGeneration.ts';
import type { StreamDependencies } from '../http/streams.ts';
import { toText } from './textObject.ts';

/** Places the hold and starts the writing. Raises `ApiError` for every refusal. */
export async function startText(
  deps: ApiDependencies,
  caller: Caller,
  request: TextRequest,
  maxMicrocredits: number | null,
  repeat: Repeat,
): Promise<Started> {
  const { ledger, store } = deps;
  const order: Order = {
    generationId: textId(request.kind, uuidv7()),
    maxMicrocredits,
    fingerprint: fingerprintOf(`/v1/${request.kind}s`, { ...request, max: maxMicrocredits }),
    admit: (admission) =>
      ledger.admitText({
        ...admission,
        model: request.model,
        request: JSON.stringify(request),
        inputBoundTokens: inputBoundTokens(request),
        maxOutputTokens: maxOutputTokens(request),
      }),
    exists: async (id) => (await store.getText(caller.accountId, id)) !== undefined,
  };
  return startGeneration(deps, caller, order, repeat).catch(keepRefusal(deps, caller, repeat, order.generationId));
}

/** Below the time for which a connection may be still (api/server.ts): who only waits is told where to look before that. */
const WAITED_FOR_MS = 100_000;

/**
 * A text while it is being written, up to its end, which is kept for the idempotency key. Whoever stops listening changes
 * nothing: it is written to its end, and charged what it comes to (MR-61). Raises `outcome_unknown` when this process
 * closes first, and after 100 s unless its reader is sent something meanwhile (`isStreamed`). Never says that nothing is held.
 */
export async function* followText(
  deps: StreamDependencies,
  caller: Caller,
  generationId: string,
  repeat: Repeat,
  reader: { readonly isStreamed: boolean; readonly onGone: (stop: () => void) => void },
): AsyncGenerator<Text, void> {
  const look = async () => {
    try {
      return (await deps.store.getText(caller.accountId, generationId)) ?? 'deleted';
    } catch (error) {
      // A database that is away for a moment is no news of the text: it is looked at again.
      deps.log.warn({ err: error, generationId }, 'a text that is being written could not be read');
      return undefined;
    }
  };
  // Not cut at once when this process ends: who waits for an answer is given a while to have it.
  const { streams, givingUp } = deps;
  const closing = reader.isStreamed ? givingUp : AbortSignal.any([givingUp, AbortSignal.timeout(WAITED_FOR_MS)]);
  for await (const text of following({ streams, closing }, caller, generationId, look, reader.onGone)) {
    if (text === undefined) continue;
    if (text === 'deleted') break;
    if (text.state !== 'held')
      await keepAnswer(deps, caller, repeat, generationId, { status: 200, body: toText(text) });
    yield text;
    if (text.state !== 'held') return;
  }
  throw stillWritten(generationId);
}

/** What is told of a text that is being written by whoever can't be told its end. */
export function stillWritten(generationId: string): ApiError {
  const kind = kindOf(generationId);
  return new ApiError(
    'outcome_unknown',
    `The ${kind} ${generationId} is still being written, and its price is reserved. Retrieve it shortly with GET /v1/${kind}s/${generationId}; what it comes to is charged.`,
  );
}
