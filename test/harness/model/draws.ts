import fc from 'fast-check';
import type { Account, Generation, Model } from './state.ts';
import { LIMIT } from './state.ts';

/** What commands are drawn from: mostly what leads somewhere, now and then anything at all. */

/** Fields drawn each for itself. */
export function fields<Drawn>(of: { [Field in keyof Drawn]: fc.Arbitrary<Drawn[Field]> }): fc.Arbitrary<Drawn> {
  // Plain objects, for whoever reads a failure.
  return fc.record(of, { noNullPrototype: true });
}

/** Some of these values, so often among others. */
export function weighed<Value>(weight: number, ...values: Value[]): fc.WeightedArbitrary<Value> {
  return { weight, arbitrary: fc.constantFrom(...values) };
}

const ACCOUNTS = 3;
const GENERATIONS = 40;

export const accountSlot = fc.oneof(
  weighed(24, 0, 1),
  weighed(4, 2),
  // Never opened.
  weighed(1, ACCOUNTS),
);

export const mostly = fc.oneof(weighed(5, true), weighed(1, false));

/** One of the generations: an apt one while there are any, else any; or whichever has this number, if any has. */
export const someGeneration = fields({
  number: fc.nat(GENERATIONS - 1),
  apt: fc.oneof(weighed(8, true), weighed(1, false)),
});
export type SomeGeneration = Readonly<{ number: number; apt: boolean }>;

export function find(
  model: Model,
  { number, apt }: SomeGeneration,
  isApt: (generation: Generation) => boolean,
): { id: string; generation: Generation | undefined } {
  const all = [...model.generations.values()];
  const candidates = all.filter(isApt);
  // The newest first: what has just begun is carried on.
  const chosen = apt ? (nth(candidates, number) ?? nth(all, number)) : undefined;
  const id = chosen?.id ?? model.generationId(number);
  return { id, generation: model.generations.get(id) };
}

/** The item so far from the end, counted around. */
export function nth<Item>(items: readonly Item[], back: number): Item | undefined {
  return items.at(-1 - (back % Math.max(items.length, 1)));
}

/** The number of the next generation, or of any. */
export function nextNumber(model: Model, { number, apt }: SomeGeneration): number {
  return apt && model.generations.size < GENERATIONS ? model.generations.size : number;
}

/** An amount: as drawn, or as far as this from what it is measured by at the moment. */
export type Amount = Readonly<{ exact: number } | { from: string; offset: number }>;

const edges = fc.constantFrom(1, 2, LIMIT, LIMIT - 1, 0, -1, -LIMIT, LIMIT + 1, -LIMIT - 1, 0.5, NaN, Infinity);
const anyMagnitude = fc.bigInt({ min: 1n, max: BigInt(LIMIT) }).map(Number);
const exactly = (amounts: fc.Arbitrary<number>) => amounts.map((exact): Amount => ({ exact }));

/** Amounts around what is given, so often, besides small ones, those of any magnitude, and those at and beyond the edges. */
export function amountAround(weight: number, ...measures: readonly string[]): fc.Arbitrary<Amount> {
  const around = fields({ from: fc.constantFrom(...measures), offset: fc.constantFrom(0, 0, -1, 1) });
  return fc.oneof(
    { weight: 10, arbitrary: exactly(fc.integer({ min: 1, max: 200 })) },
    { weight, arbitrary: around },
    { weight: 1, arbitrary: exactly(anyMagnitude) },
    { weight: 1, arbitrary: exactly(edges) },
  );
}

export function amountOf(amount: Amount, measures: Readonly<Record<string, number>>): number {
  if ('exact' in amount) return amount.exact;
  return (measures[amount.from] ?? 0) + amount.offset;
}

/** A key that is new, one that came before, so often, or one of an odd length. */
export function keys(reuse: number): fc.Arbitrary<SomeKey> {
  return fc.oneof(
    { weight: 14, arbitrary: fc.nat(9999).map((number) => ({ new: `key ${number}` })) },
    { weight: reuse, arbitrary: fc.nat(20).map((used) => ({ used })) },
    weighed(1, { new: '' }, { new: 'k'.repeat(255) }, { new: 'k'.repeat(256) }),
  );
}
export type SomeKey = Readonly<{ new: string } | { used: number }>;

export function keyOf(key: SomeKey, used: Iterable<string> = []): string {
  if ('new' in key) return key.new;
  return nth([...used], key.used) ?? 'key 0';
}

export const operationKeys = (account: Account | undefined) => account?.operations.keys() ?? [];
