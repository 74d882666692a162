import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import pg from 'pg';
import { expect } from 'vitest';
import { LedgerError } from '../../../store/index.ts';
import type { TestDatabase } from '../support/database.ts';
import { type Books, audit, moneyOf } from './audit.ts';
import { fields, nth } from './draws.ts';
import { type Model, refusedAs } from './state.ts';

export interface Real {
  readonly db: TestDatabase;
  readonly auditor: pg.PoolClient;
  /** How often each kind of outcome was met, as foretold. */
  readonly tally: Map<string, number>;
  /** As they were after the last call. */
  books: Books | undefined;
}

/**
 * An operation of the ledger under test. `data` is drawn blindly and kept by fast-check; `call` makes the arguments of it
 * as the model stands, so a sequence that was cut shorter still runs, always in the same way.
 */
export interface Operation<Data, Call> {
  readonly name: string;
  readonly data: fc.Arbitrary<Data>;
  readonly call: (model: Model, data: Data) => Call;
  /** Changes the model, and answers as the database has to. */
  readonly predict: (model: Model, call: Call) => unknown;
  readonly perform: (db: TestDatabase, call: Call) => Promise<unknown>;
  /** What to count the answer as, where its own words don't tell enough. */
  readonly kind?: (answer: Answer, call: Call, model: Model) => string | undefined;
}

/** The fields that answers have; each has a few of them. */
export type Answer = Partial<{
  error: string;
  outcome: string;
  result: string;
  state: string;
  code: string;
  verdict: string;
  first: boolean;
  replayed: boolean;
  status: number;
  movedMicrocredits: number;
  availableMicrocredits: number;
  settlement: { reason: string; charged: boolean };
  look: { verdict: string };
}>;

/** Lets the types of data and call follow from each other. */
export function operation<Data, Call>(of: Operation<Data, Call>): Operation<Data, Call> {
  return of;
}

export type Command = fc.AsyncCommand<Model, Real>;

/** Commands that make such calls, so often among others. */
export function commands<Data, Call>(weight: number, operation: Operation<Data, Call>): fc.WeightedArbitrary<Command> {
  const toCommand = (data: Data): Command => ({
    check: () => true,
    run: (model, real) => step(operation, model, real, operation.call(model, data)),
    toString: () => `${operation.name}(${fc.stringify(data)})`,
  });
  return { weight, arbitrary: operation.data.map(toCommand) };
}

/** Commands that make an earlier call of their run again, with the very same arguments; some of only these operations. */
export function repeats(weight: number, ...names: readonly string[]): fc.WeightedArbitrary<Command> {
  const toCommand = ({ back, name }: Readonly<{ back: number; name: string | null }>): Command => ({
    check: () => true,
    run: async (model) => {
      await nth(
        model.history.filter((made) => name === null || made.name === name),
        back,
      )?.again();
    },
    toString: () => `again(${fc.stringify({ back, name })})`,
  });
  const data = fields({ back: fc.nat(60), name: fc.constantFrom(null, ...names) });
  return { weight, arbitrary: data.map(toCommand) };
}

/** Makes one call, compares the answer with the model's, and then the books. */
export async function step<Data, Call>(
  operation: Operation<Data, Call>,
  model: Model,
  real: Real,
  call: Call,
): Promise<void> {
  const text = `${operation.name} ${fc.stringify(call)}`;
  model.history.push({ name: operation.name, text, again: () => step(operation, model, real, call) });
  const expected = operation.predict(model, call);
  try {
    const answer = await answerOf(operation.perform(real.db, call));
    expect(answer).toEqual(expected);
    const before = real.books;
    real.books = await audit(real.auditor, model);
    if (before !== undefined) expectNothingMoved(answer, before, real.books);
    const kind = `${operation.name}: ${operation.kind?.(toAnswer(answer), call, model) ?? kindOf(answer)}`;
    real.tally.set(kind, (real.tally.get(kind) ?? 0) + 1);
  } catch (error) {
    const calls = model.history.slice(-40).map((made) => made.text);
    throw new Error(`the last of these calls:\n${calls.join('\n')}\n${String(error)}`, { cause: error });
  }
}

async function answerOf(answering: Promise<unknown>): Promise<unknown> {
  try {
    return await answering;
  } catch (error) {
    if (error instanceof LedgerError) return refusedAs(error.code);
    if (error instanceof pg.DatabaseError) return refusedAs(error.code ?? 'unknown');
    throw error;
  }
}

const MOVING = ['granted', 'refunded', 'held', 'settled'];

/** A refusal and a repeat leave everything as it was; what isn't a movement leaves at least the credits. */
function expectNothingMoved(answer: unknown, before: Books, after: Books): void {
  const { error, outcome, result, replayed } = toAnswer(answer);
  if (error !== undefined || replayed === true) {
    if (!isDeepStrictEqual(after, before)) expect(after).toEqual(before);
  } else if (!MOVING.includes(outcome ?? result ?? '')) {
    expect(moneyOf(after)).toEqual(moneyOf(before));
  }
}

function toAnswer(answer: unknown): Answer {
  return typeof answer === 'object' && answer !== null ? (answer as Answer) : {};
}

function kindOf(answer: unknown): string {
  // No object is left here.
  // eslint-disable-next-line @typescript-eslint/no-base-to-string
  if (typeof answer !== 'object' || answer === null) return String(answer ?? 'done');
  const { error, outcome, result, state, code, verdict, status, replayed, settlement, first } = answer as Answer;
  const words = [error ?? outcome ?? result ?? state ?? verdict, code, status, settlement?.reason];
  if (replayed === true) words.push('again');
  if (first === true) words.push('first');
  return words.filter((word) => word !== undefined).join(' ');
}
