import { kindOf } from '../../contracts/ids.ts';
import type { Caller } from '../../store/index.ts';
import { LedgerUnavailable } from '../../store/index.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { unavailable } from '../http/errors.ts';
import { answerRepeat } from './answerRepeat.ts';
import type { Order, Started } from './order.ts';
import { outcomeUnknown, placeHold } from './placeHold.ts';
import { exceedsMaxCredits, inadmissible, providerDown, providerFull, refusalOf, salesClosed } from './refusals.ts';
import { refusedField } from './refusedField.ts';
import type { Repeat } from './repeat.ts';
import { throughDoor } from './throughDoor.ts';
import { triesOf } from './tries.ts';

/** A hold may be placed slightly after we stop waiting for it, but never long after: the client has had its 503 by then. */
const ADMIT_SLACK_MS = 2000;

/**
 * Admits the request, starts its workflow and waits for the hold. Raises `ApiError` for every refusal; a 503 truly means
 * that nothing is held (MR-28).
 */
export async function startGeneration(
  deps: ApiDependencies,
  caller: Caller,
  order: Order,
  asked: Repeat,
): Promise<Started> {
  const tries = triesOf(deps, caller, order, asked);
  const repeat = tries.isAfterRefusal() ? { ...asked, retryWithinMs: null } : asked;
  try {
    return await start(deps, caller, order, repeat);
  } catch (error) {
    // The request that this one repeats may hold credits, so a 503 would be a lie.
    const mayHoldAlready = repeat.retryWithinMs !== null || repeat.idempotencyKey !== null;
    if (error instanceof LedgerUnavailable && mayHoldAlready) throw outcomeUnknown();
    tries.noteRefusal(error);
    throw error;
  }
}

async function start(deps: ApiDependencies, caller: Caller, order: Order, repeat: Repeat): Promise<Started> {
  // Before every other refusal: what would refuse this request now may not have refused the first one.
  const findRepeat = async () => {
    const earlier = await deps.ledger.findRepeat(asRepeated(caller, order, repeat));
    return earlier === undefined ? undefined : answerRepeat(deps, caller, order, repeat, earlier);
  };
  return throughDoor(deps, caller, { order, repeat }, { findRepeat, begin: () => admit(deps, caller, order, repeat) });
}

async function admit(deps: ApiDependencies, caller: Caller, order: Order, repeat: Repeat): Promise<Started> {
  const { generationId, maxMicrocredits } = order;
  const kind = kindOf(generationId);
  const request = asRepeated(caller, order, repeat);
  const admitWithinMs = deps.startTimeoutMs + ADMIT_SLACK_MS;
  const admission = await order.admit({ ...request, generationId, admitWithinMs, maxMicrocredits });
  switch (admission.outcome) {
    case 'admitted':
      if (request.idempotencyKey === null && repeat.hasClientDisconnected())
        return abandon(deps, caller, generationId, admission);
      return hold(deps, caller, generationId, admission.amountMicrocredits);
    case 'refused':
      throw refusedField(admission.answer, order.fieldNames);
    case 'sales_closed':
      throw salesClosed(await deps.ledger.getSales());
    case 'provider_down':
      throw providerDown();
    case 'provider_full':
      throw providerFull();
    case 'exceeds_max_credits':
      throw exceedsMaxCredits(admission.amountMicrocredits, maxMicrocredits ?? 0, kind);
    case 'account_frozen':
    case 'insufficient_credits':
    case 'too_many_active_generations':
    case 'key_spend_limit':
      throw await refusalOf(deps, caller, admission.amountMicrocredits, admission.outcome, kind);
    case 'unknown_model':
    case 'unknown_size':
    case 'unknown_original':
    case 'no_provider':
      throw inadmissible(admission.outcome, order.fieldNames);
    default: {
      const answered = await answerRepeat(deps, caller, order, repeat, admission);
      if (answered === undefined) throw unavailable();
      return answered;
    }
  }
}

/** What the request is found by when it is repeated. */
function asRepeated({ apiKeyId, accountId }: Caller, { fingerprint }: Order, repeat: Repeat) {
  const { idempotencyKey, retryWithinMs } = repeat;
  return { apiKeyId, accountId, fingerprint, idempotencyKey, retryWithinMs };
}

/**
 * A client that hung up while the database was slow may already have retried, before this request could be found: both would
 * be charged. This one is voided, unless the retry has found it meanwhile and holds credits for it.
 */
async function abandon(
  deps: ApiDependencies,
  caller: Caller,
  generationId: string,
  { amountMicrocredits }: { amountMicrocredits: number },
): Promise<Started> {
  const { refusalCode } = await deps.ledger.voidGeneration(generationId);
  if (refusalCode !== null) {
    throw await refusalOf(deps, caller, amountMicrocredits, refusalCode, kindOf(generationId));
  }
  return { generationId, replayed: false };
}

async function hold(
  deps: ApiDependencies,
  caller: Caller,
  generationId: string,
  amountMicrocredits: number,
): Promise<Started> {
  const refusal = await placeHold(deps, caller, generationId);
  if (refusal !== undefined) throw await refusalOf(deps, caller, amountMicrocredits, refusal, kindOf(generationId));
  return { generationId, replayed: false };
}
