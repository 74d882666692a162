import { kindOf } from '../../contracts/ids.ts';
import type { Caller } from '../../store/index.ts';
import { following } from '../generations/following.ts';
import { keepAnswer, type Repeat } from '../generations/repeat.ts';
import { ApiError } from '../http/errors.ts';
import type { StreamDependencies } from '../http/streams.ts';
import { toText, type WrittenText } from './textObject.ts';

/** Called with what stops following, for when the client disconnects. */
export type OnGone = (stop: () => void) => void;

/** Shorter than the server's idle timeout for connections (api/server.ts), so that a waiting client still gets a response. */
const WAITED_FOR_MS = 100_000;

/**
 * Yields a text while it is being written, up to its final state, which is kept for the idempotency key. A reader that stops
 * changes nothing: the text is written to its end and charged at its cost (MR-61). Raises `outcome_unknown` when this process
 * closes first and, unless the reader gets a stream (`isStreamed`), after 100 s. Never says that nothing is held.
 */
export async function* followText(
  deps: StreamDependencies,
  caller: Caller,
  generationId: string,
  repeat: Repeat,
  reader: { readonly isStreamed: boolean; readonly onGone: OnGone },
): AsyncGenerator<WrittenText, void> {
  const look = async () => {
    try {
      return (await deps.store.getText(caller.accountId, generationId)) ?? 'deleted';
    } catch (error) {
      // A database that is briefly unreachable says nothing about the text, which is read again later.
      deps.log.warn({ err: error, generationId }, 'a text that is being written could not be read');
      return undefined;
    }
  };
  // `givingUp` comes after `closing`: a waiting client gets some time to receive its response.
  const { streams, givingUp } = deps;
  const closing = reader.isStreamed ? givingUp : AbortSignal.any([givingUp, AbortSignal.timeout(WAITED_FOR_MS)]);
  for await (const text of following({ streams, closing }, caller, generationId, look, reader.onGone)) {
    if (text === undefined) continue;
    if (text === 'deleted') throw deletedMeanwhile(generationId);
    const written = toText(text);
    const isFinal = written.status !== 'in_progress';
    if (isFinal) await keepAnswer(deps, caller, repeat, generationId, { status: 200, body: written });
    yield written;
    if (isFinal) return;
  }
  throw stillWritten(generationId);
}

/** Its owner deleted the text after its end, before that was read here. */
function deletedMeanwhile(generationId: string): ApiError {
  const kind = kindOf(generationId);
  return new ApiError(
    'not_found',
    `The ${kind} ${generationId} was deleted. GET /v1/${kind}s/${generationId}/timeline shows what it cost.`,
    { effect: 'in_message' },
  );
}

/** The error for a client that cannot wait for the end of a text. */
export function stillWritten(generationId: string): ApiError {
  const kind = kindOf(generationId);
  return new ApiError(
    'outcome_unknown',
    `The ${kind} ${generationId} is still being written, and its price is reserved. Retrieve it shortly with GET /v1/${kind}s/${generationId}; it is charged what it costs in the end.`,
    { effect: 'in_message' },
  );
}
