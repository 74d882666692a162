import type { HoldRefusalCode } from '../../contracts/activities.ts';
import { type GenerationKind, kindOf } from '../../contracts/ids.ts';
import { formatCredits } from '../../contracts/money.ts';
import type { Admission, AnyAdmission, KeptAnswer, Repeated } from '../../ledger/index.ts';
import type { Caller } from '../../store/index.ts';
import { LedgerUnavailable } from '../../store/index.ts';
import { costOf } from './cost.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { ApiError, envelopeOf, notFound, unavailable } from '../http/errors.ts';
import { keepAnswer, type Repeat } from './repeat.ts';
import { salesClosed } from './sales.ts';
import { spendLimitExceeded } from './spendLimit.ts';

/** The hold may be placed a little longer than we wait, never long after: the answer was a 503 by then. */
const ADMIT_SLACK_MS = 2000;

/** What is asked for, whatever is to be made. */
export interface Order {
  /** Of a new generation. */
  readonly generationId: string;
  readonly fingerprint: Buffer;
  /** More than this is refused instead of reserved; null: whatever it costs. */
  readonly maxMicrocredits: number | null;
  readonly admit: (admission: AnyAdmission) => Promise<Admission>;
  /** Whether such a generation is there to be shown. */
  readonly exists: (generationId: string) => Promise<boolean>;
}

/** A generation that holds credits, or an answer that was given before. */
export type Started = { readonly generationId: string; readonly replayed: boolean } | { readonly kept: KeptAnswer };

/**
 * Admits the request, starts its workflow and waits for the hold. Raises `ApiError` for every refusal; a 503 truly means
 * that nothing is held (MR-28).
 */
export async function startGeneration(
  deps: ApiDependencies,
  caller: Caller,
  order: Order,
  repeat: Repeat,
): Promise<Started> {
  try {
    return await start(deps, caller, order, repeat);
  } catch (error) {
    // The first request with this key, or the one that is tried again, may hold credits: that is no 503.
    const mayHoldAlready = repeat.retryWithinMs !== null || repeat.idempotencyKey !== null;
    if (error instanceof LedgerUnavailable && mayHoldAlready) throw outcomeUnknown();
    throw error;
  }
}

async function start(deps: ApiDependencies, caller: Caller, order: Order, repeat: Repeat): Promise<Started> {
  const { generationId, fingerprint, maxMicrocredits } = order;
  const kind = kindOf(generationId);
  const { idempotencyKey, retryWithinMs } = repeat;
  const { apiKeyId, accountId } = caller;
  const request = { apiKeyId, accountId, fingerprint, idempotencyKey, retryWithinMs };
  if (idempotencyKey !== null || retryWithinMs !== null) {
    // Before every other refusal: what stood in no way of the first request may stand in the way of its repeat.
    const earlier = await deps.ledger.findRepeat(request);
    const answered = earlier === undefined ? undefined : await repeated(deps, caller, order, repeat, earlier);
    if (answered !== undefined) return answered;
  }
  const admitWithinMs = deps.startTimeoutMs + ADMIT_SLACK_MS;
  const admission = await order.admit({ ...request, generationId, admitWithinMs, maxMicrocredits });
  switch (admission.outcome) {
    case 'admitted':
      if (idempotencyKey === null && repeat.hasClientDisconnected())
        return abandon(deps, caller, generationId, admission);
      return hold(deps, caller, generationId, admission.amountMicrocredits);
    case 'sales_closed':
      throw await salesClosed(deps);
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
      throw inadmissible(admission.outcome);
    default: {
      const answered = await repeated(deps, caller, order, repeat, admission);
      if (answered === undefined) throw unavailable();
      return answered;
    }
  }
}

/** The answer to a request that came before; undefined when that was given up meanwhile, and nothing was held for it. */
async function repeated(
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
    default:
      throw inadmissible(earlier.outcome);
  }
}

/**
 * Who hung up while this waited for the database may have come again already, before this request was there to be found:
 * both would be charged. Given up, unless that one has found it by now and holds it.
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

/** Starts the workflow of an admitted generation and waits for its hold. Raises `ApiError` when it is refused. */
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

/** By the answer that was kept, or, if a process died before that, by the generation. */
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
    // Refused at a glance, or by the hold: then the generation says why.
    const code = generationId === null ? null : (await deps.ledger.voidGeneration(generationId)).refusalCode;
    const refusal = await refusalOf(deps, caller, amountMicrocredits, code ?? 'insufficient_credits', kind);
    const body = envelopeOf(refusal);
    await keepAnswer(deps, caller, repeat, generationId ?? order.generationId, { status, body });
    return { kept: { status, body: asKept(body) } };
  }
  if (answer !== null) return { kept: { status, body: answer } };
  if (generationId === null || !(await order.exists(generationId))) throw notFound(`This ${kind} was deleted; it`);
  return { generationId, replayed: true };
}

/** A refusal that was kept: it says so, for it is answered again also when there are credits by now. */
function asKept(body: unknown): unknown {
  const { error } = body as ReturnType<typeof envelopeOf>;
  const message = `${error.message} This is the answer that was kept for this Idempotency-Key, and nothing is held; to try again, use a new key.`;
  return { error: { ...error, message } };
}

/** The client's own ceiling. */
export function exceedsMaxCredits(amountMicrocredits: number, maxMicrocredits: number, kind: GenerationKind): ApiError {
  return new ApiError(
    'invalid_request',
    `max_credits: this ${kind} costs ${kind === 'video' ? '' : 'up to '}${formatCredits(amountMicrocredits)} credits, more than ${formatCredits(maxMicrocredits)}. Nothing was held.`,
    { param: 'max_credits' },
  );
}

export function inadmissible(
  outcome: 'unknown_model' | 'unknown_size' | 'unknown_original' | 'in_use' | 'reused' | 'too_old',
): ApiError {
  switch (outcome) {
    case 'unknown_model':
      return new ApiError('invalid_request', 'model: no such model; GET /v1/prices lists them. Nothing was held.', {
        param: 'model',
      });
    case 'unknown_size':
      return new ApiError(
        'invalid_request',
        'size: not offered for this model; GET /v1/prices lists the sizes. Nothing was held.',
        {
          param: 'size',
        },
      );
    case 'unknown_original':
      return notFound('A completed video of that id, to be remixed,');
    case 'in_use':
      return new ApiError(
        'idempotency_key_in_use',
        'The first request with this Idempotency-Key is still running. Nothing more was held; try again shortly.',
        {
          headers: { 'retry-after': '1' },
        },
      );
    case 'reused':
      return new ApiError(
        'idempotency_key_reused',
        'This Idempotency-Key came with another body before. Nothing more was held; use a new key for a new request.',
        {
          param: 'Idempotency-Key',
        },
      );
    case 'too_old':
      return new ApiError(
        'idempotency_key_reused',
        'This Idempotency-Key was used over 72 hours ago. Nothing more was held; use a new key for a new request.',
        {
          param: 'Idempotency-Key',
        },
      );
  }
}

/** Undefined when the hold is placed, else why it is not. */
async function placeHold(
  deps: ApiDependencies,
  caller: Caller,
  generationId: string,
): Promise<HoldRefusalCode | undefined> {
  try {
    const { temporal, startTimeoutMs: timeoutMs, givingUp } = deps;
    const { accountId } = caller;
    const placement = await temporal.generations.start({ generationId, accountId }, { timeoutMs, givingUp });
    return placement.outcome === 'refused' ? placement.code : undefined;
  } catch (error) {
    // The workflow may have started all the same. The row decides: voided before a hold is placed, or the hold stands.
    deps.log.warn({ err: error, generationId }, 'the workflow did not answer in time');
    const standing = await deps.ledger.voidGeneration(generationId).catch((cause: unknown) => {
      deps.log.error({ err: cause, generationId }, 'the outcome of a request is unknown to its client');
      throw outcomeUnknown();
    });
    return standing.refusalCode ?? undefined;
  }
}

function outcomeUnknown(): ApiError {
  return new ApiError(
    'outcome_unknown',
    'We could not learn whether this was accepted. If it was, its price is reserved and is settled by its outcome; repeat with the same Idempotency-Key, or see GET /v1/credits.',
  );
}

/** What a client is told whose hold is refused. */
export async function refusalOf(
  deps: ApiDependencies,
  caller: Caller,
  amountMicrocredits: number,
  code: HoldRefusalCode,
  kind: GenerationKind = 'video',
): Promise<ApiError> {
  const { ledger } = deps;
  switch (code) {
    case 'voided':
      return unavailable();
    case 'account_frozen':
      return new ApiError('account_frozen', 'This account is frozen. Nothing was held; ask your administrator.', {
        amountMicrocredits,
      });
    case 'key_spend_limit':
      return spendLimitExceeded(deps, caller, amountMicrocredits, kind);
    case 'too_many_active_generations': {
      const { maxActiveGenerations } = await ledger.getBalance(caller.accountId);
      return new ApiError(
        'too_many_active_generations',
        `This account may have ${maxActiveGenerations} generations in progress. Nothing was held; try again when one has ended.`,
        { headers: { 'retry-after': '10' }, amountMicrocredits },
      );
    }
    case 'insufficient_credits': {
      const { availableMicrocredits, heldMicrocredits, activeHolds } = await ledger.getBalance(caller.accountId);
      const reserved =
        activeHolds === 0
          ? ''
          : ` (${formatCredits(heldMicrocredits)} more are reserved for ${activeHolds} ${activeHolds === 1 ? 'video' : 'videos'} in progress)`;
      return new ApiError(
        'insufficient_credits',
        `${costOf(amountMicrocredits, kind)} credits; ${formatCredits(availableMicrocredits)} are available${reserved}.`,
        { amountMicrocredits },
      );
    }
  }
}
