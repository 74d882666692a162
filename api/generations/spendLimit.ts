import type { GenerationKind } from '../../contracts/ids.ts';
import { formatCredits } from '../../contracts/money.ts';
import type { Caller, KeySpending } from '../../store/index.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { ApiError } from '../http/errors.ts';
import { costOf } from './cost.ts';

/** The refusal of a price that would exceed a spend limit of the key; undefined when it fits now. */
export async function overSpendLimit(
  { store }: Pick<ApiDependencies, 'store'>,
  caller: Caller,
  amountMicrocredits: number,
  kind: GenerationKind,
): Promise<ApiError | undefined> {
  if (!caller.hasSpendLimit) return undefined;
  const met = limitsOf(await store.getKeySpending(caller.apiKeyId)).find(
    ({ limit, spent }) => limit !== null && spent + amountMicrocredits > limit,
  );
  if (met === undefined) return undefined;
  return new ApiError(
    'spend_limit_exceeded',
    `${costOf(amountMicrocredits, kind)} credits. This API key may spend ${formatCredits(met.limit ?? 0)} a ${met.period}; ${formatCredits(met.spent)} are spent or reserved.`,
    { advice: `The next ${met.period} begins at ${met.endsAt.toISOString()}.` },
  );
}

/** The response to a request whose hold was refused by a spend limit of the key. */
export async function spendLimitExceeded(
  deps: Pick<ApiDependencies, 'store'>,
  caller: Caller,
  amountMicrocredits: number,
  kind: GenerationKind,
): Promise<ApiError> {
  const over = await overSpendLimit(deps, caller, amountMicrocredits, kind);
  // It would fit by now: a generation of this key was released or refunded since, or a new day began.
  return (
    over ??
    new ApiError(
      'spend_limit_exceeded',
      `${costOf(amountMicrocredits, kind)} credits, more than this API key had left to spend.`,
      { advice: 'The key may spend again now.' },
    )
  );
}

/** The month first: when both limits are reached, it is the one that lasts longer. */
function limitsOf(spending: KeySpending) {
  return [
    {
      period: 'month',
      limit: spending.monthlyLimitMicrocredits,
      spent: spending.thisMonthMicrocredits,
      endsAt: spending.monthEndsAt,
    },
    {
      period: 'day',
      limit: spending.dailyLimitMicrocredits,
      spent: spending.todayMicrocredits,
      endsAt: spending.dayEndsAt,
    },
  ];
}
