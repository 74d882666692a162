import type { HoldRefusalCode } from '../../contracts/activities.ts';
import type { GenerationKind } from '../../contracts/ids.ts';
import { formatCredits } from '../../contracts/money.ts';
import type { Balance, Sales } from '../../ledger/index.ts';
import type { Caller } from '../../store/index.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { ApiError, unavailable } from '../http/errors.ts';
import { keyReused } from '../http/idempotencyKey.ts';
import { costOf } from './cost.ts';
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
      return accountFrozen(amountMicrocredits);
    case 'key_spend_limit':
      return spendLimitExceeded(deps, caller, amountMicrocredits, kind);
    case 'too_many_active_generations':
      return tooManyActive(await deps.ledger.getBalance(caller.accountId), amountMicrocredits);
    case 'insufficient_credits':
      return insufficientCredits(await deps.ledger.getBalance(caller.accountId), amountMicrocredits, kind);
  }
}

export function accountFrozen(amountMicrocredits: number): ApiError {
  return new ApiError('account_frozen', 'This account is frozen. Nothing was held; ask your administrator.', {
    amountMicrocredits,
  });
}

export function tooManyActive(
  { maxActiveGenerations }: Pick<Balance, 'maxActiveGenerations'>,
  amountMicrocredits: number,
): ApiError {
  return new ApiError(
    'too_many_active_generations',
    `This account may have ${maxActiveGenerations} generations in progress. Nothing was held; try again when one has ended.`,
    { headers: { 'retry-after': '10' }, amountMicrocredits },
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
    { amountMicrocredits },
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
  return new ApiError(
    'invalid_request',
    `max_credits: ${cost} credits, more than ${formatCredits(maxMicrocredits)}. Nothing was held.`,
    { param: 'max_credits' },
  );
}

/** The refusal of a request that cannot be admitted, whatever the balance. */
export function inadmissible(
  outcome: 'unknown_model' | 'unknown_size' | 'unknown_original' | 'in_use' | 'reused' | 'too_old',
): ApiError {
  switch (outcome) {
    case 'unknown_model':
      return invalid('model', 'no such model; GET /v1/prices lists them');
    case 'unknown_size':
      return invalid('size', 'not offered for this model; GET /v1/prices lists the sizes');
    case 'unknown_original':
      return new ApiError('not_found', 'A completed video with this id, to be remixed, was not found.');
    case 'in_use':
      return new ApiError(
        'idempotency_key_in_use',
        'The first request with this Idempotency-Key is still running. Nothing more was held; try again shortly.',
        { headers: { 'retry-after': '1' } },
      );
    case 'reused':
      return keyReused();
    case 'too_old':
      return new ApiError(
        'idempotency_key_reused',
        'This Idempotency-Key was used over 72 hours ago. Nothing more was held; use a new key for a new request.',
        { param: 'Idempotency-Key' },
      );
  }
}

function invalid(param: string, fault: string): ApiError {
  return new ApiError('invalid_request', `${param}: ${fault}. Nothing was held.`, { param });
}

/** The response to a new request while sales are closed; none of it was recorded. */
export function salesClosed({ open, reason }: Pick<Sales, 'open' | 'reason'>): ApiError {
  // Sales may have opened again since: then the client may retry at once.
  const why = open || reason === null ? '' : `: ${reason.replace(/[.\s]+$/, '')}`;
  return new ApiError(
    'temporarily_unavailable',
    `New requests are not accepted at the moment${why}. Nothing was held by this request; generations in progress will finish and settle. Try again later.`,
    { headers: { 'retry-after': open ? '1' : '60' } },
  );
}
