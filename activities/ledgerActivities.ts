import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { GenerationRef, LedgerActivities, SettleResult, WithWebhooks } from '../contracts/activities.ts';
import { SETTLEMENT_REFUSED } from '../contracts/activities.ts';
import { isVideoId } from '../contracts/ids.ts';
import type { SettlementReason } from '../contracts/states.ts';
import type { Movement } from '../ledger/index.ts';
import { LedgerError } from '../store/index.ts';
import type { ActivityDependencies, Log } from './dependencies.ts';

type Dependencies = Pick<
  ActivityDependencies,
  'ledger' | 'store' | 'hasty' | 'archives' | 'holdTtlSeconds' | 'count' | 'log'
>;

/**
 * Each is one idempotent call of the ledger. As a regular activity it is retried by Temporal without end, whatever fails but a
 * refusal by rule; as a local one it is tried once, on connections that give up sooner than the workflow task does.
 */
export function createLedgerActivities(deps: Dependencies): LedgerActivities {
  const { store, archives, holdTtlSeconds, count, log } = deps;
  return {
    placeHold: async ({ generationId, accountId }) => {
      const { ledger } = database(deps);
      return withWebhooks(
        deps,
        generationId,
        await ledger.placeHold(generationId, holdTtlSeconds, accountId, movementLogger(log, accountId)),
      );
    },
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
    startArchive: (generation) => archives.start(generation),
  };
}

const database = (deps: Dependencies) => (Context.current().info.isLocal ? deps.hasty : deps);

/** Read after the settlement has committed; if that fails, the whole step is repeated, which moves nothing. */
async function withWebhooks<Result extends object>(
  deps: Dependencies,
  generationId: string,
  result: Result,
): Promise<WithWebhooks<Result>> {
  if (!('settlement' in result)) return result as WithWebhooks<Result>;
  const webhooks = isVideoId(generationId) ? await database(deps).store.listWebhooks(generationId) : [];
  return { ...result, webhooks } as unknown as WithWebhooks<Result>;
}

async function settle(
  deps: Dependencies,
  { generationId, accountId }: GenerationRef,
  reason: SettlementReason,
): Promise<WithWebhooks<SettleResult>> {
  const { count, log } = deps;
  const { ledger } = database(deps);
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
    return await withWebhooks(deps, generationId, settled);
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
