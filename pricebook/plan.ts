import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { formatCredits } from '../contracts/money.ts';
import type { PriceBook } from '../ledger/index.ts';
import { priceOf, readPriceBook, setOffer, setPrice, setTextPrice, withPriceBook } from '../ledger/index.ts';
import type { Database } from '../store/index.ts';
import type { PriceFile } from './file.ts';

/** What the file changes, and its application: all of it, in one transaction. */

type Video = PriceFile['videos'][number];
type Text = PriceFile['texts'][number];
type Offer = PriceBook['offers'][number];
interface Price {
  readonly cost: number;
  readonly margin: number;
}

export interface Change {
  readonly what: 'added' | 'changed' | 'withdrawn' | 'kept';
  /** A line for a person. */
  readonly line: string;
  readonly carryOut: (db: Database) => Promise<void>;
}

/** The changes that make the price book what the file says; none where it is. `prune` withdraws the models that the file leaves out. */
async function planOf(db: Database, { videos, texts }: PriceFile, prune: boolean): Promise<Change[]> {
  const book = await readPriceBook(db);
  const changes: Change[] = [];
  for (const video of videos) changes.push(...(await videoChanges(db, book, video)));
  for (const text of texts) changes.push(...textChanges(book, text));
  const leftOut = [
    ...book.offers
      .filter(({ for_sale, model }) => for_sale && !videos.some((video) => video.model === model))
      .map((offer) => ({ name: offer.model, withdraw: withdrawalOf(offer) })),
    ...book.textPrices
      .filter(({ model }) => !texts.some((text) => text.model === model))
      .map((price) => ({ name: `text model ${price.model}`, withdraw: textWithdrawalOf(price) })),
  ];
  return [...changes, ...leftOut.map((model) => (prune ? withdrawn(model) : kept(model)))];
}

interface LeftOut {
  readonly name: string;
  readonly withdraw: Change['carryOut'];
}

function withdrawn({ name, withdraw }: LeftOut): Change {
  return { what: 'withdrawn', line: `${name}: is sold no more, for it is not in the file`, carryOut: withdraw };
}

function kept({ name }: LeftOut): Change {
  const line = `${name}: is still sold, though it is not in the file; --prune withdraws it`;
  return { what: 'kept', line, carryOut: () => Promise.resolve() };
}

/** Carries a planned change out to take it back. */
class TakenBack extends Error {
  constructor(readonly changes: Change[]) {
    super('taken back');
  }
}

/** What `applyFile` would change, and raises what it would raise: it is carried out and taken back. */
export async function tryFile(db: Database, file: PriceFile, prune: boolean): Promise<Change[]> {
  const tried = withPriceBook(db, async (inside): Promise<Change[]> => {
    throw new TakenBack(await change(inside, file, prune));
  });
  return tried.catch((error: unknown) => {
    if (error instanceof TakenBack) return error.changes;
    throw error;
  });
}

/** Plans and carries out in one transaction; an error takes everything back. */
export async function applyFile(db: Database, file: PriceFile, prune: boolean): Promise<Change[]> {
  return withPriceBook(db, (inside) => change(inside, file, prune));
}

async function change(inside: Database, file: PriceFile, prune: boolean): Promise<Change[]> {
  const changes = await planOf(inside, file, prune);
  for (const { carryOut } of changes) await carryOut(inside);
  return changes;
}

async function videoChanges(db: Database, book: PriceBook, video: Video): Promise<Change[]> {
  const { model } = video;
  const prices = new Map(
    book.prices.filter((price) => price.model === model).map(({ size, ...price }) => [size, price]),
  );
  const current = book.offers.find((offer) => offer.model === model);
  const wanted = wantedOffer(video);
  const changes: Change[] = [];
  const unchanged = new Map<string, Price>();
  for (const [size, price] of Object.entries(video.sizes)) {
    const [before, after] = [
      prices.get(size),
      { cost: price.cost_per_second_microcredits, margin: price.margin_basis_points },
    ];
    if (before !== undefined && before.cost === after.cost && before.margin === after.margin) {
      unchanged.set(size, before);
      continue;
    }
    changes.push(await priceChange(db, { current, wanted, size, before, after }));
  }
  if (current === undefined || !isSame(current, wanted, [...prices.keys()])) {
    const what = whatOf(current, wanted);
    const differences = async (from: Offer) => [
      ...differencesOf(from, wanted),
      ...(await repriced(db, unchanged, from, wanted)),
    ];
    changes.push({
      what,
      line: `${model}: ${what === 'changed' && current !== undefined ? (await differences(current)).join(', ') : SAID[`${wanted.for_sale}`]}`,
      carryOut: async (inside) => {
        const { model: _model, ...terms } = wanted;
        const order = { model, terms, effectiveFrom: null, idempotencyKey: newKey() };
        confirm(await setOffer(inside, order), model);
      },
    });
  }
  return changes;
}

const SAID = { true: 'is sold', false: 'is not sold, as the file says' };

function whatOf(current: Offer | undefined, wanted: Offer): Change['what'] {
  if (current === undefined) return 'added';
  if (current.for_sale === wanted.for_sale) return 'changed';
  return wanted.for_sale ? 'added' : 'withdrawn';
}

/** The sizes whose price changes by the defaults alone. */
async function repriced(
  db: Database,
  prices: ReadonlyMap<string, Price>,
  current: Offer,
  wanted: Offer,
): Promise<string[]> {
  const [seconds = 1] = wanted.lengths;
  const told: string[] = [];
  for (const size of wanted.sizes ?? []) {
    const price = prices.get(size);
    if (price === undefined) continue;
    const before = await priceOf(db, price, seconds, current.parameters);
    const after = await priceOf(db, price, seconds, wanted.parameters);
    if (before !== after)
      told.push(`${size}: ${seconds} s cost ${formatCredits(before)} -> ${formatCredits(after)} credits`);
  }
  return told;
}

interface SizeChange {
  readonly current: Offer | undefined;
  readonly wanted: Offer;
  readonly size: string;
  readonly before: Price | undefined;
  readonly after: Price;
}

async function priceChange(db: Database, { current, wanted, size, before, after }: SizeChange): Promise<Change> {
  const [{ model }, [seconds = 1]] = [wanted, wanted.lengths];
  const amount = async (price: Price, { parameters }: Offer) =>
    formatCredits(await priceOf(db, price, seconds, parameters));
  const old = before === undefined ? '' : `${await amount(before, current ?? wanted)} -> `;
  return {
    what: before === undefined ? 'added' : 'changed',
    line: `${model} ${size}: ${seconds} s cost ${old}${await amount(after, wanted)} credits`,
    carryOut: async (inside) => {
      const price = { costPerSecondMicrocredits: after.cost, marginBasisPoints: after.margin };
      confirm(await setPrice(inside, { model, size, ...price, effectiveFrom: null, idempotencyKey: newKey() }), model);
    },
  };
}

function wantedOffer(video: Video): Offer {
  return {
    model: video.model,
    for_sale: video.for_sale,
    provider: video.provider ?? null,
    provider_model: video.provider_model ?? null,
    lengths: video.lengths ?? [4, 8, 12, 16, 20],
    sizes: Object.keys(video.sizes).toSorted(),
    length_field: video.length_field ?? 'seconds',
    size_field: video.size_field ?? 'size',
    // As JSON keeps them: without what is undefined.
    parameters: JSON.parse(JSON.stringify(video.parameters ?? [])) as Offer['parameters'],
    prompt_flags: video.prompt_flags ?? 'allow',
    charge_rule: video.charge_rule ?? 'as_sold',
  };
}

/** An offer without sizes sells all that are priced. */
function isSame(current: Offer, wanted: Offer, priced: readonly string[]): boolean {
  const sizes = [...(current.sizes ?? priced)].toSorted();
  return isDeepStrictEqual({ ...current, sizes }, wanted);
}

function differencesOf(current: Offer, wanted: Offer): string[] {
  const names = Object.keys(wanted) as (keyof Offer)[];
  return names
    .filter((name) => !isDeepStrictEqual(current[name], wanted[name]))
    .map((name) =>
      name === 'parameters'
        ? `parameters ${changedParameters(current, wanted).join(' ')}`
        : `${name} ${shown(current[name])} -> ${shown(wanted[name])}`,
    );
}

function changedParameters({ parameters: before }: Offer, { parameters: after }: Offer): string[] {
  const names = new Set([...before, ...after].map(({ name }) => name));
  const named = (of: Offer['parameters'], wanted: string) => of.find(({ name }) => name === wanted);
  return [...names].filter((name) => !isDeepStrictEqual(named(before, name), named(after, name)));
}

function shown(value: Offer[keyof Offer]): string {
  return value === null ? 'unset' : typeof value === 'string' ? value : JSON.stringify(value);
}

function withdrawalOf({ model, ...terms }: Offer): Change['carryOut'] {
  return async (inside) => {
    const order = { model, terms: { ...terms, for_sale: false }, effectiveFrom: null, idempotencyKey: newKey() };
    confirm(await setOffer(inside, order), model);
  };
}

function textWithdrawalOf(price: PriceBook['textPrices'][number]): Change['carryOut'] {
  return async (inside) => confirm(await setTextPrice(inside, { ...orderOf(price), forSale: false }), price.model);
}

function orderOf({ model, provider, providerModel, inputCost, outputCost, margin }: PriceBook['textPrices'][number]) {
  return {
    ...{ model, provider: provider ?? undefined, providerModel: providerModel ?? undefined },
    ...{ inputCostMicrocredits: inputCost, outputCostMicrocredits: outputCost, marginBasisPoints: margin },
    ...{ effectiveFrom: null, idempotencyKey: newKey() },
  };
}

function textChanges({ textPrices }: PriceBook, text: Text): Change[] {
  const wanted = {
    model: text.model,
    provider: text.provider ?? null,
    providerModel: text.provider_model ?? null,
    inputCost: text.input_cost_microcredits_per_million_tokens,
    outputCost: text.output_cost_microcredits_per_million_tokens,
    margin: text.margin_basis_points,
  };
  const current = textPrices.find(({ model }) => model === text.model);
  if (!text.for_sale) {
    if (current === undefined) return [];
    const line = `text model ${text.model}: ${SAID.false}`;
    return [{ what: 'withdrawn', line, carryOut: textWithdrawalOf(wanted) }];
  }
  if (isDeepStrictEqual({ ...current }, wanted)) return [];
  const costs = (of: typeof wanted) => `${of.inputCost}/${of.outputCost} microcredits, margin ${of.margin}`;
  return [
    {
      what: current === undefined ? 'added' : 'changed',
      line: `text model ${wanted.model}: a million tokens read/written cost us ${current === undefined ? '' : `${costs(current)} -> `}${costs(wanted)}`,
      carryOut: async (inside) => confirm(await setTextPrice(inside, orderOf(wanted)), wanted.model),
    },
  ];
}

/** Each version is set once: what makes it idempotent is the plan, which has nothing to do the second time. */
function newKey(): string {
  return `prices ${randomUUID()}`;
}

function confirm({ outcome }: { readonly outcome: string }, model: string): void {
  if (outcome !== 'set') throw new Error(`${model} could not be set: ${outcome}`);
}
