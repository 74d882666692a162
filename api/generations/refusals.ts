import type { HoldRefusalCode } from '../../contracts/activities.ts';
import type { GenerationKind } from '../../contracts/ids.ts';
import { formatCredits } from '../../contracts/money.ts';
import type { Balance, Sales } from '../../ledger/index.ts';
import type { Caller } from '../../store/index.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { ApiError, invalid, notFound, unavailable } from '../http/errors.ts';
import { keyReused } from '../http/idempotencyKey.ts';
import { costOf } from './cost.ts';
import type { FieldNames } from './refusedField.ts';
import { spendLimitExceeded } from './spendLimit.ts';

/** The response to a request whose hold was refused. */
export async function refusalOf(
  deps: ApiDependencies,
  caller: Caller,
  amountMicrocredits: number,
  code: HoldRefusalCode,
  kind: GenerationKind,
): Promise<ApiError> {
  switch (code) {
    case 'voided':
      return unavailable();
    case 'account_frozen':
      return accountFrozen(await deps.ledger.getBalance(caller.accountId), amountMicrocredits);
    case 'key_spend_limit':
      return spendLimitExceeded(deps, caller, amountMicrocredits, kind);
    case 'too_many_active_generations':
      return tooManyActive(await deps.ledger.getBalance(caller.accountId), amountMicrocredits);
    case 'insufficient_credits':
      return insufficientCredits(await deps.ledger.getBalance(caller.accountId), amountMicrocredits, kind);
  }
}

export function accountFrozen({ frozenAt }: Pick<Balance, 'frozenAt'>, amountMicrocredits: number): ApiError {
  // It may have been unfrozen since.
  const since = frozenAt === null ? '' : ` since ${frozenAt.toISOString()}`;
  return new ApiError('account_frozen', `This account is frozen${since}: it can’t begin anything new.`, {
    amountMicrocredits,
    advice: 'Ask the operator of this service.',
  });
}

export function tooManyActive(
  { maxActiveGenerations }: Pick<Balance, 'maxActiveGenerations'>,
  amountMicrocredits: number,
): ApiError {
  return new ApiError(
    'too_many_active_generations',
    `This account may have ${maxActiveGenerations} generations in progress at once, and has them.`,
    { headers: { 'retry-after': '10' }, amountMicrocredits, advice: 'Try again when one of them has ended.' },
  );
}

type Reserved = Pick<Balance, 'heldMicrocredits' | 'heldVideos' | 'heldScripts' | 'heldThreads'>;

export function insufficientCredits(
  balance: Reserved & Pick<Balance, 'availableMicrocredits'>,
  amountMicrocredits: number,
  kind: GenerationKind,
): ApiError {
  const available = formatCredits(balance.availableMicrocredits);
  return new ApiError(
    'insufficient_credits',
    `${costOf(amountMicrocredits, kind)} credits; ${available} are available${reservedInWords(balance)}.`,
    { amountMicrocredits, advice: 'Ask the operator of this service for more credits.' },
  );
}

/** "2 videos, 1 script and 1 thread". */
const ENUMERATION = new Intl.ListFormat('en-GB', { type: 'conjunction' });

function reservedInWords({ heldMicrocredits, heldVideos, heldScripts, heldThreads }: Reserved): string {
  const counted = Object.entries({ video: heldVideos, script: heldScripts, thread: heldThreads })
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count} ${kind}${count === 1 ? '' : 's'}`);
  if (counted.length === 0) return '';
  return ` (${formatCredits(heldMicrocredits)} more are reserved for ${ENUMERATION.format(counted)} in progress)`;
}

/** The refusal of a price above the client's own ceiling. */
export function exceedsMaxCredits(amountMicrocredits: number, maxMicrocredits: number, kind: GenerationKind): ApiError {
  const cost = costOf(amountMicrocredits, kind).replace(/^T/, 't');
  return invalid(
    'max_credits',
    `is ${formatCredits(maxMicrocredits)}, but ${cost} credits`,
    'Raise max_credits, or leave it out.',
  );
}

/** The refusal of a repeat while the first request may still wait for its hold, which it does for `startTimeoutMs` at most. */
export function keyInUse({ startTimeoutMs }: Pick<ApiDependencies, 'startTimeoutMs'>): ApiError {
  return new ApiError(
    'idempotency_key_in_use',
    `The first request with this Idempotency-Key is still being decided, which takes up to ${Math.ceil(startTimeoutMs / 1000)} s.`,
    {
      headers: { 'retry-after': '1' },
      effect: 'nothing_more',
      advice: 'Try again in a second, with the same key.',
    },
  );
}

/** The refusal of a request that cannot be admitted, whatever the balance. */
export function inadmissible(
  outcome: 'unknown_model' | 'unknown_size' | 'unknown_original' | 'no_provider' | 'reused' | 'too_old',
  names: FieldNames = {},
): ApiError {
  switch (outcome) {
    case 'unknown_model':
      return invalid('model', 'is not sold here', 'GET /v1/prices lists the models that are.');
    case 'unknown_size':
      return invalid(names['size'] ?? 'size', 'is not sold for this model', 'GET /v1/prices lists the sizes that are.');
    case 'no_provider':
      return new ApiError('temporarily_unavailable', 'The provider of this model is not available.', {
        headers: { 'retry-after': '60' },
        advice: 'Try again later, or use another model.',
      });
    case 'unknown_original':
      return notFound('A completed video with this id, to be remixed,');
    case 'reused':
      return keyReused();
    case 'too_old':
      return new ApiError('idempotency_key_reused', 'This Idempotency-Key was used over 72 hours ago.', {
        param: 'Idempotency-Key',
        effect: 'nothing_more',
        advice: 'Use a new key for a new request.',
      });
  }
}

/** The response to a new request whose provider does not answer our probes; none of it was recorded (MR-76). */
export function providerDown(): ApiError {
  return new ApiError(
    'temporarily_unavailable',
    'The provider does not answer at the moment, so nothing new is begun there. Generations in progress wait for it and are settled as ever.',
    { headers: { 'retry-after': '30' }, advice: 'Try again later, or use another model.' },
  );
}

/** The response to a new request whose provider has as many videos as it may have at once; none of it was recorded (MR-99). */
export function providerFull(): ApiError {
  return new ApiError('temporarily_unavailable', 'As many videos as can be made at once are in progress.', {
    headers: { 'retry-after': '15' },
    advice: 'Try again later, or use another model.',
  });
}

/** The response to a new request while sales are closed; none of it was recorded. */
export function salesClosed({ open, reason }: Pick<Sales, 'open' | 'reason'>): ApiError {
  // Sales may have opened again since: then the client may retry at once.
  const why = open || reason === null ? '' : `: ${reason.replace(/[.\s]+$/, '')}`;
  return new ApiError(
    'temporarily_unavailable',
    `New requests are not accepted at the moment${why}. Generations in progress will finish and settle.`,
    { headers: { 'retry-after': open ? '1' : '60' }, advice: open ? 'Try again now.' : 'Try again later.' },
  );
}
