import type { OfferedParameter, RefusedField } from '../contracts/offers.ts';
import type { Database } from '../store/database.ts';
import { defineList, type Listed, listPage, NUMBERS, type Page } from '../store/pages.ts';
import { row, rows } from '../store/query.ts';
import { cases, defineStatement, t, type RowOf } from '../store/statement.ts';
import { PRICE_CHANGE, type PriceChange } from './priceChange.ts';

const QUOTE = defineStatement({
  name: 'quote_video',
  text: `SELECT outcome, refused, amount_microcredits AS "amountMicrocredits", provider_is_down(provider) AS "isProviderDown",
      provider_is_full(provider, $8, $9, NULL, NULL) AS "isProviderFull"
    FROM quote_video($1, $2, $3, $4, $5, $6, $7, $8)`,
  row: cases('outcome', {
    priced: { amountMicrocredits: t.bigint, isProviderDown: t.boolean, isProviderFull: t.boolean },
    unknown_model: {},
    unknown_size: {},
    unknown_original: {},
    no_provider: {},
    refused: { refused: t.jsonb<RefusedField>() },
  }),
});

export type VideoQuote = RowOf<typeof QUOTE>;

/** What a request asks for. Null is what the offer says for a request that leaves it out. */
export interface AskedVideo {
  readonly accountId: string;
  readonly model: string;
  readonly seconds: number | null;
  readonly size: string | null;
  readonly prompt: string;
  /** By the client's names; numbers and booleans may be text. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** The account's video to remix, which determines all but the prompt. */
  readonly remixOf?: string | null;
  /** The names of the configured providers; unset: whichever sells it. */
  readonly providers?: readonly string[];
  /** How many videos each of them may have at once, in their order; null and unset: any number. */
  readonly videosAtOnce?: readonly (number | null)[];
}

/** Reads and prices a request as its admission would; writes nothing. */
export async function quoteVideo(db: Database, asked: AskedVideo): Promise<VideoQuote> {
  const { accountId, remixOf, model, seconds, size, prompt, parameters = {}, providers, videosAtOnce } = asked;
  const given = [accountId, remixOf, model, seconds, size, prompt, JSON.stringify(parameters), providers, videosAtOnce];
  return row(db, QUOTE, given);
}

const LIST = defineStatement({
  name: 'list_offers',
  text: `SELECT o.model, o.lengths, ARRAY(SELECT p.size FROM current_prices p
        WHERE p.model = o.model AND p.size = ANY (COALESCE(o.sizes, ARRAY[p.size])) ORDER BY p.size) AS sizes, o.parameters
    FROM current_offers o WHERE o.for_sale AND (o.provider <> ALL ($1::text[])) IS NOT TRUE
      AND EXISTS (SELECT FROM current_prices p WHERE p.model = o.model) ORDER BY o.model`,
  row: {
    model: t.text,
    /** In whole seconds, ascending. */
    lengths: t.integers,
    sizes: t.texts(),
    parameters: t.jsonb<readonly OfferedParameter[]>(),
  },
});

/** What is sold of a video model now. */
export type Offer = RowOf<typeof LIST>;

/** What is sold of every video model whose provider is one of these; unset: of every model. */
export async function listOffers(db: Database, providers?: readonly string[]): Promise<Offer[]> {
  return rows(db, LIST, [providers]);
}

const UNPROVIDED = defineStatement({
  name: 'list_unprovided',
  text: `SELECT o.model, o.provider FROM current_offers o WHERE o.for_sale AND o.provider <> ALL ($1::text[])
      AND EXISTS (SELECT FROM current_prices p WHERE p.model = o.model)
    UNION ALL SELECT p.model, p.provider FROM current_text_prices p WHERE p.provider <> ALL ($1::text[])
    ORDER BY model LIMIT 1000`,
  row: { model: t.text, provider: t.text },
});

/** The models of videos and texts that are for sale although their provider is none of these, so that every request for them is refused. */
export async function listUnprovided(db: Database, providers: readonly string[]): Promise<RowOf<typeof UNPROVIDED>[]> {
  return rows(db, UNPROVIDED, [providers]);
}

const VERSIONS = defineList({
  name: 'offer_versions',
  select: `SELECT id, model, for_sale AS "forSale", provider, provider_model AS "providerModel", lengths, sizes, length_field AS "lengthField",
      size_field AS "sizeField", parameters, prompt_flags AS "promptFlags", charge_rule AS "chargeRule", effective_from AS "effectiveFrom",
      recorded_by AS "recordedBy"
    FROM offers WHERE ($1::text IS NULL OR model = $1)`,
  row: {
    id: t.bigint,
    model: t.text,
    forSale: t.boolean,
    provider: t.nullable(t.text),
    providerModel: t.nullable(t.text),
    lengths: t.integers,
    sizes: t.nullable(t.texts()),
    lengthField: t.word<'seconds' | 'duration'>(),
    sizeField: t.word<'size' | 'resolution'>(),
    parameters: t.jsonb<readonly OfferedParameter[]>(),
    promptFlags: t.word<'allow' | 'refuse'>(),
    chargeRule: t.word<'as_made' | 'as_sold'>(),
    effectiveFrom: t.timestamptz,
    recordedBy: t.text,
  },
  key: 'id',
  keys: NUMBERS,
});

export type OfferVersion = RowOf<typeof VERSIONS.asc>;

/** Every version of every offer, or of this model's. */
export async function listOfferVersions(
  db: Database,
  model: string | null,
  page: Page<number>,
): Promise<Listed<OfferVersion>> {
  return listPage(db, VERSIONS, model, page);
}

const SET = defineStatement({
  name: 'set_offer',
  text: `SELECT outcome, price_id AS "priceId", effective_from AS "effectiveFrom", replayed FROM set_offer($1, $2, $3, $4)`,
  row: PRICE_CHANGE,
});

/** Columns of `offers`, by their names there; what is left out is as in the offer that a first price makes. */
export interface OfferTerms {
  readonly for_sale?: boolean | undefined;
  readonly provider?: string | null | undefined;
  readonly provider_model?: string | null | undefined;
  readonly lengths?: readonly number[] | undefined;
  readonly sizes?: readonly string[] | null | undefined;
  readonly length_field?: 'seconds' | 'duration' | undefined;
  readonly size_field?: 'size' | 'resolution' | undefined;
  readonly parameters?: readonly OfferedParameter[] | undefined;
  readonly prompt_flags?: 'allow' | 'refuse' | undefined;
  readonly charge_rule?: 'as_made' | 'as_sold' | undefined;
}

/** Like `setPrice`. Raises `LedgerError` `constraint` for an offer that is not well-formed or whose prices are out of range. */
export async function setOffer(
  db: Database,
  offer: { model: string; terms: OfferTerms; effectiveFrom: Date | null; idempotencyKey: string },
): Promise<PriceChange> {
  const { model, terms, effectiveFrom, idempotencyKey } = offer;
  return row(db, SET, [model, JSON.stringify(terms), effectiveFrom, idempotencyKey]);
}
