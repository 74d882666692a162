import { ApplicationFailure } from '@temporalio/common';
import type { GenerationRef, LedgerActivities, SettleResult } from '../contracts/activities.ts';
import { SETTLEMENT_REFUSED } from '../contracts/activities.ts';
import type { SettlementReason } from '../contracts/states.ts';
import type { Movement } from '../ledger/index.ts';
import { LedgerError } from '../store/index.ts';
import type { ActivityDependencies, Log } from './dependencies.ts';
import { recordGone } from './recordGone.ts';

type Dependencies = Pick<ActivityDependencies, 'ledger' | 'store' | 'archive' | 'holdTtlSeconds' | 'count' | 'log'>;

/** Each is one idempotent call of the ledger. Temporal retries every failure but a refusal by rule, without end. */
export function createLedgerActivities(deps: Dependencies): LedgerActivities {
  const { ledger, store, holdTtlSeconds, count, log } = deps;
  return {
    placeHold: ({ generationId, accountId }) =>
      ledger.placeHold(generationId, holdTtlSeconds, accountId, movementLogger(log, accountId)),
    captureHold: (generation) => settle(deps, generation, 'completed'),
    releaseHold: ({ reason, ...generation }) => settle(deps, generation, reason),
    emergencyRelease: (generation) => settle(deps, generation, 'emergency'),
    recordCancel: async ({ generationId }) => {
      await store.requestCancel(generationId, 'operator');
    },
    alertOverdue: async ({ holds, generationId, why }) => {
      count('hold_overdue', holds);
      log.error({ generationId, holds, why }, 'ALERT: past its end, and not settled by a fault of our own');
    },
    recordContentGone: async ({ generationId }) => ({ outcome: await recordGone(deps, generationId) }),
  };
}

async function settle(
  { ledger, count, log }: Dependencies,
  { generationId, accountId }: GenerationRef,
  reason: SettlementReason,
): Promise<SettleResult> {
  try {
    const settled = await ledger.settleGeneration(generationId, reason, {
      accountId,
      onMovement: movementLogger(log, accountId),
    });
    if (settled.result === 'conflict') {
      count('settlement_conflict');
      log.warn({ generationId, accountId, asked: reason, stands: settled.settlement.reason }, 'settlement conflict');
    }
    if (settled.result === 'settled' && reason === 'emergency') count('emergency_release');
    return settled;
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    count('settlement_refused');
    log.error({ generationId, accountId, reason, code: error.code }, 'ALERT: settlement refused');
    await ledger.recordSettlementRefusal(generationId, reason, error.code);
    throw ApplicationFailure.nonRetryable(
      `The ledger refuses to settle as ${reason}: ${error.code}.`,
      SETTLEMENT_REFUSED,
    );
  }
}

const SAID = { hold: 'hold placed', capture: 'hold captured', release: 'hold released' } as const;

/** One line for each movement of credits, by the call that made it. */
function movementLogger(log: Log, accountId: string): (movement: Movement) => void {
  return ({ kind, ...movement }) => {
    const fields = { ...movement, accountId };
    if ('reason' in movement && movement.reason === 'emergency') log.error(fields, 'ALERT: emergency release');
    else log.info(fields, SAID[kind]);
  };
}
