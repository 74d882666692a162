import { kindOf } from '../../contracts/ids.ts';
import type { Repeated } from '../../ledger/index.ts';
import type { Caller } from '../../store/index.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { ApiError, envelopeOf } from '../http/errors.ts';
import type { Order, Started } from './order.ts';
import { placeHold } from './placeHold.ts';
import { inadmissible, keyInUse, refusalOf } from './refusals.ts';
import { keepAnswer, type Repeat } from './repeat.ts';

/**
 * Answers a request like the earlier one that it repeats. Undefined when that one was voided meanwhile and holds nothing, so
 * this one counts as new.
 */
export async function answerRepeat(
  deps: ApiDependencies,
  caller: Caller,
  order: Order,
  repeat: Repeat,
  earlier: Repeated,
): Promise<Started | undefined> {
  switch (earlier.outcome) {
    case 'replay':
      return replay(deps, caller, order, repeat, earlier);
    case 'pending': {
      const { generationId, amountMicrocredits } = earlier;
      const refusal = await placeHold(deps, caller, generationId);
      if (refusal === 'voided') return undefined;
      if (refusal !== undefined) {
        throw await refusalOf(deps, caller, amountMicrocredits, refusal, kindOf(generationId));
      }
      return { generationId, replayed: true };
    }
    case 'in_use':
      throw keyInUse(deps);
    default:
      throw inadmissible(earlier.outcome);
  }
}

/** From the response that was kept or, when a process died before keeping it, from the generation. */
async function replay(
  deps: ApiDependencies,
  caller: Caller,
  order: Order,
  repeat: Repeat,
  earlier: Extract<Repeated, { outcome: 'replay' }>,
): Promise<Started> {
  const { answer, status, generationId, amountMicrocredits } = earlier;
  const kind = kindOf(order.generationId);
  if (status === 402) {
    if (answer !== null) return { kept: { status, body: asKept(answer) } };
    // Refused at admission, or later by the hold: then the generation's row says why.
    const code = generationId === null ? null : (await deps.ledger.voidGeneration(generationId)).refusalCode;
    const refusal = await refusalOf(deps, caller, amountMicrocredits, code ?? 'insufficient_credits', kind);
    const body = envelopeOf(refusal, 'paying');
    await keepAnswer(deps, caller, repeat, generationId ?? order.generationId, { status, body });
    return { kept: { status, body: asKept(body) } };
  }
  if (answer !== null) return { kept: { status, body: answer } };
  if (generationId === null || !(await order.exists(generationId))) {
    throw new ApiError('not_found', `The ${kind} that this Idempotency-Key made was deleted.`, {
      effect: 'nothing_more',
    });
  }
  return { generationId, replayed: true };
}

/** A replayed refusal says that it is one, because the account may have enough credits by now. */
function asKept(body: unknown): unknown {
  const { error } = body as ReturnType<typeof envelopeOf>;
  const message = `${error.message} This is the stored response for this Idempotency-Key; to try again, use a new key.`;
  return { error: { ...error, message } };
}
