import { v7 as uuidv7 } from 'uuid';
import { textId } from '../../contracts/ids.ts';
import type { Caller, Labels } from '../../store/index.ts';
import { inputBoundTokens } from '../../provider/index.ts';
import { completionOf, type TextRequest } from '../../texts/index.ts';
import type { Order, Started } from '../generations/order.ts';
import { providerNames } from '../generations/providerNames.ts';
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
  labels: Labels,
  maxMicrocredits: number | null,
  repeat: Repeat,
): Promise<Started> {
  const { ledger, store } = deps;
  const order: Order = {
    generationId: textId(request.kind, uuidv7()),
    maxMicrocredits,
    fingerprint: fingerprintOf(`/v1/${request.kind}s`, { ...request, ...labels, max: maxMicrocredits }),
    admit: (admission) =>
      ledger.admitText({ ...admission, ...pricedBy(request), request, labels, providers: providerNames(deps) }),
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
  const priced = await deps.ledger.getTextPrice({ ...pricedBy(request), providers: providerNames(deps) });
  if (priced === undefined) throw inadmissible('unknown_model');
  if (!priced.isAvailable) throw inadmissible('no_provider');
  return quote(deps, caller, request.kind, priced.amountMicrocredits, maxMicrocredits, priced);
}

/** What its price is made from: upper bounds of the very call that its worker will make (MR-60). */
function pricedBy(request: TextRequest) {
  const completion = completionOf(request);
  const { model, maxOutputTokens } = completion;
  return { model, inputBoundTokens: inputBoundTokens(completion), maxOutputTokens };
}
