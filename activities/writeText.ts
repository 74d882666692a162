import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { TextOutcome } from '../contracts/activities.ts';
import { LedgerUnavailable } from '../ledger/index.ts';
import type { TextRequest } from '../provider/index.ts';
import type { ProviderDependencies } from './dependencies.ts';
import { giveUpIfHalted, recordRefusal } from './provenRefusal.ts';

/** What is written is put on record, and so delivered, this often. */
const RECORD_EVERY_MS = 400;

/** The end of a text waits this long for the database, before it is left to what was delivered. */
const END_WITHIN_MS = 5 * 60_000;
const END_RETRY_MS = 1000;

/** See `TextActivities.writeText`. */
export async function writeText(
  deps: ProviderDependencies,
  generationId: string,
  leastTimeLeftMs: number,
): Promise<TextOutcome> {
  const { ledger, provider } = deps;
  deps.at('write:before');
  const askedAtMs = performance.now();
  const begun = await ledger.beginCreate(generationId, provider, leastTimeLeftMs);
  switch (begun.outcome) {
    case 'known':
      return { outcome: 'ended' };
    case 'open':
      // An earlier call may have arrived, and its writer is gone: it is not made again (RULES, "Text").
      // Unless its answer is recorded at this very moment: then that is read.
      return (await ledger.closeText(generationId))
        ? { outcome: 'ended' }
        : writeText(deps, generationId, leastTimeLeftMs);
    case 'refused':
      return { outcome: 'refused', errorCode: begun.errorCode };
    case 'settled':
    case 'cancelled':
    case 'spent':
    case 'too_late':
      return { outcome: begun.outcome };
    case 'conflict':
      throw new Error('a text has no video id that could be in conflict');
    case 'begun':
      break;
  }

  deps.at('write:begun');
  const { number } = begun;
  const halted = await giveUpIfHalted(deps, generationId, number, askedAtMs);
  if (halted !== undefined) return halted;
  const request = JSON.parse(begun.request.prompt) as TextRequest;
  const result = await provider.writeText(request, recorder(deps, generationId, number));
  deps.at('write:written');
  switch (result.outcome) {
    case 'written':
      await untilRecorded(() => ledger.endText(generationId, number, result));
      deps.at('write:recorded');
      return { outcome: 'ended' };
    case 'ambiguous':
      await ledger.noteAmbiguousCreate(generationId, number, result.why);
      await ledger.closeText(generationId);
      return { outcome: 'ended' };
    default:
      return recordRefusal(deps, generationId, number, result);
  }
}

/** Puts on record what was written so far, now and then. A database that is away is no reason to stop reading. */
function recorder({ ledger }: ProviderDependencies, generationId: string, number: number) {
  let recordedAtMs = -Infinity;
  return async (output: string): Promise<boolean> => {
    if (performance.now() - recordedAtMs < RECORD_EVERY_MS) return true;
    recordedAtMs = performance.now();
    try {
      return await ledger.recordText(generationId, number, output);
    } catch (error) {
      if (error instanceof LedgerUnavailable) return true;
      throw error;
    }
  };
}

/** The last words and the count are in this process alone: it insists, and leaves it to Temporal only when that lasts. */
async function untilRecorded(record: () => Promise<unknown>): Promise<void> {
  const giveUpAtMs = performance.now() + END_WITHIN_MS;
  const { cancellationSignal } = Context.current();
  for (;;) {
    try {
      await record();
      return;
    } catch (error) {
      if (!(error instanceof LedgerUnavailable) || performance.now() > giveUpAtMs) throw error;
    }
    await delay(END_RETRY_MS, undefined, { signal: cancellationSignal });
  }
}
