import fc from 'fast-check';
import type { TestDatabase } from '../support/database.ts';
import { auditEverything, openAuditor } from './audit.ts';
import { type Command, type Real, repeats, step } from './operation.ts';
import { claimCommands } from './claimCommands.ts';
import { grant, open, operatorCommands, price } from './operatorCommands.ts';
import { providerCommands } from './providerCommands.ts';
import { requestCommands } from './requestCommands.ts';
import { completeAnother, sceneCommands } from './scenes.ts';
import { settlementCommands } from './settlementCommands.ts';
import { Model } from './state.ts';

/** Every command, as often as it takes for generations to get to their ends and beyond. */
const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  ...operatorCommands,
  ...requestCommands,
  ...providerCommands,
  ...settlementCommands,
  ...claimCommands,
  ...sceneCommands,
  repeats(26, 'grantCredits', 'setAccountFrozen', 'setPrice', 'refundGeneration', 'admitGeneration'),
);

export interface RunOptions {
  /** How many calls have to be made, and found as foretold. */
  readonly atLeast: number;
  /** Whether enough was met; if not, up to three times as many calls are made. */
  readonly isEnough?: (tally: ReadonlyMap<string, number>) => boolean;
  /** The longest run. */
  readonly longest: number;
  /** A failure is cut down to few calls for at most so long. */
  readonly shrinkForMs: number;
}

export interface Ran {
  readonly calls: number;
  readonly tally: ReadonlyMap<string, number>;
  /** Whether only one failure was replayed (FC_PATH). */
  readonly isReplay: boolean;
}

const RUNS_AT_ONCE = 2;

/**
 * Makes random calls of the ledger, run after run, each with accounts of its own, until there were enough. What fails is
 * printed with its seed and path: FC_SEED and FC_PATH make the same calls again, and FC_REPLAY_PATH the shortened ones.
 */
export async function runLedgerModel(db: TestDatabase, options: RunOptions): Promise<Ran> {
  const { FC_SEED: givenSeed, FC_PATH: path } = process.env;
  const seed = givenSeed === undefined ? Date.now() % 2 ** 31 : Number(givenSeed);
  process.stdout.write(`ledger model: FC_SEED=${seed}\n`);
  const began = performance.now();
  const auditor = await openAuditor(db.pool);
  const tally = new Map<string, number>();
  let runs = 0;
  const begin = async () => {
    // Never twice the same, also while a failure is cut down: what an earlier run left behind is not met again.
    const model = new Model(`${seed} ${++runs}`);
    const real: Real = { db, auditor, tally, books: undefined };
    await prepare(model, real);
    return { model, real };
  };
  const { atLeast, isEnough = () => true } = options;
  const count = () => [...tally.values()].reduce((sum, times) => sum + times, 0);
  const goesOn = () => count() < atLeast || (count() < 3 * atLeast && !isEnough(tally));
  try {
    for (let batch = 0; goesOn() && (batch === 0 || path === undefined); batch++) {
      await fc.assert(
        fc.asyncProperty(sequences(options.longest), (calls) => fc.asyncModelRun(begin, calls)),
        parameters(seed + batch, path, options.shrinkForMs),
      );
    }
  } finally {
    auditor.release(true);
  }
  await auditEverything(db.pool);
  const seconds = (performance.now() - began) / 1000;
  process.stdout.write(`ledger model: ${count()} calls in ${runs} runs, as foretold, in ${seconds.toFixed(1)} s\n`);
  return { calls: count(), tally, isReplay: path !== undefined };
}

function sequences(longest: number) {
  const { FC_REPLAY_PATH: replayPath } = process.env;
  const again = replayPath === undefined ? {} : { replayPath };
  return fc.commands([anyCommand], { maxCommands: longest, size: 'max', ...again });
}

function parameters(seed: number, path: string | undefined, shrinkForMs: number): fc.Parameters<[Iterable<Command>]> {
  // Unbiased: what is worth trying more often is drawn more often already.
  const all = { seed, numRuns: RUNS_AT_ONCE, unbiased: true, interruptAfterTimeLimit: shrinkForMs };
  return path === undefined ? all : { ...all, path };
}

/** Two accounts with a few credits, two prices, a video to be charged and one that came too late: a run begins with them. */
async function prepare(model: Model, real: Real): Promise<void> {
  for (const [name, cost] of [
    ['cheap', 75],
    ['dear', 100],
  ] as const) {
    const first = { size: 'small', marginBasisPoints: 0, effectiveFrom: null, idempotencyKey: model.named(name) };
    await step(price, model, real, { model: model.named(name), costPerSecondMicrocredits: cost, ...first });
  }
  for (const [slot, amountMicrocredits] of [4000, 1200].entries()) {
    await step(open, model, real, open.call(model, { slot, name: 'a tenant' }));
    const first = { reason: 'the first', idempotencyKey: 'the first' };
    await step(grant, model, real, { accountId: model.accountId(slot), amountMicrocredits, ...first });
    await completeAnother(model, real, slot, slot === 1);
  }
}
