import { v7 as uuidv7 } from 'uuid';
import { textId } from '../../contracts/ids.ts';
import type { Caller } from '../../store/index.ts';
import { inputBoundTokens, maxOutputTokens, type TextRequest } from '../../provider/index.ts';
import type { Order, Started } from '../generations/order.ts';
import { quote, type Quote } from '../generations/quote.ts';
import { inadmissible } from '../generations/refusals.ts';
import { keepRefusal, type Repeat } from '../generations/repeat.ts';
import { startGeneration } from '../generations/startGeneration.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { fingerprintOf } from '../http/fingerprint.ts';

/** Places the hold and starts the workflow that writes the text. Raises `ApiError` for every refusal. */
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
      ledger.admitText({ ...admission, ...boundsOf(request), model: request.model, request: JSON.stringify(request) }),
    exists: async (id) => (await store.getText(caller.accountId, id)) !== undefined,
  };
  return startGeneration(deps, caller, order, repeat).catch(keepRefusal(deps, caller, repeat, order.generationId));
}

/** Quotes the most that a text can cost. Raises `invalid_request` for an unknown model. */
export async function quoteText(
  deps: ApiDependencies,
  caller: Caller,
  request: TextRequest,
  maxMicrocredits: number | null,
): Promise<Quote> {
  const amount = await deps.ledger.getTextPrice({ model: request.model, ...boundsOf(request) });
  if (amount === undefined) throw inadmissible('unknown_model');
  return quote(deps, caller, request.kind, amount, maxMicrocredits);
}

/** The upper bounds that its price is made from. */
function boundsOf(request: TextRequest) {
  return { inputBoundTokens: inputBoundTokens(request), maxOutputTokens: maxOutputTokens(request) };
}
