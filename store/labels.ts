import type { GenerationKind } from '../contracts/ids.ts';
import { boundedSearch } from './boundedSearch.ts';
import type { Database } from './database.ts';
import { defineList, idsOf, type List, listPage, type Listed, type Page } from './pages.ts';
import { row } from './query.ts';
import { defineStatement, type RowOfShape, type Shape, t } from './statement.ts';

/** The client's own references on a generation. In a filter: those that it must have. */
export interface Labels {
  readonly user: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The labels of the generation with this id, as columns. */
export const LABELS = (generationId: string) =>
  `(SELECT l.value FROM generation_labels l WHERE l.generation_id = ${generationId} AND l.place = 0) AS "user",
      COALESCE((SELECT jsonb_object_agg(l.name, l.value) FROM generation_labels l
        WHERE l.generation_id = ${generationId} AND l.place > 0), '{}') AS metadata`;

export const LABELS_COLUMNS = { user: t.nullable(t.text), metadata: t.jsonb<Labels['metadata']>() };

/**
 * A generation `g` of any account that has the label `lead` with the values `$4` and `$5`, and the others in the arrays `$6`
 * and `$7`. The index on `lead` has one account's generations in the order of their ids, so a page is read from where it
 * begins, however many generations there are.
 */
const HAS_LABELS = `lead.generation_id = g.id AND lead.account_id = g.account_id AND lead.name = $4 AND lead.value = $5
      AND NOT EXISTS (SELECT FROM unnest($6::text[], $7::text[]) AS other (name, value) WHERE NOT EXISTS (
        SELECT FROM generation_labels l WHERE l.account_id = lead.account_id AND l.name = other.name AND l.value = other.value
          AND l.generation_id = lead.generation_id))`;

interface GenerationList<Row> {
  readonly all: List<Row, string>;
  readonly labelled: List<Row, string>;
}

/**
 * A list of the videos, scripts or threads of an account that hold, or held, credits and were not deleted. The select reads
 * from generations `g`, without conditions.
 */
export function defineGenerationList<const Of extends Shape>(list: {
  readonly name: string;
  readonly kind: GenerationKind;
  readonly select: string;
  readonly row: Of;
}): GenerationList<RowOfShape<Of>> {
  const { name, kind, select, row } = list;
  const shown = `g.account_id = $1 AND g.kind = '${kind}' AND g.deleted_at IS NULL AND g.state IN ('held', 'charged', 'released')`;
  const keys = idsOf(kind);
  return {
    all: defineList({ name, row, key: 'g.id', keys, select: `${select} WHERE ${shown}` }),
    labelled: defineList({
      ...{ name: `labelled_${name}`, row, key: 'lead.generation_id', keys },
      // Ids begin with their kind: labels of other kinds are not read.
      select: `${select} JOIN generation_labels lead ON ${HAS_LABELS}
    WHERE ${shown} AND lead.account_id = $1 AND lead.generation_id > '${keys.first}' AND lead.generation_id < '${keys.last}'`,
    }),
  };
}

/** Of two labels that many have and few have both, everything is read that has the first. */
const COMBINED_TIMEOUT_MS = 1000;

/** A page of those that have all of these labels. Raises `SearchTooBroad` for several labels that too many generations have. */
export async function listGenerationPage<Row>(
  db: Database,
  list: GenerationList<Row>,
  accountId: string,
  page: Page<string>,
  labels: Labels = { user: null, metadata: {} },
): Promise<Listed<Row>> {
  const wanted = [...(labels.user === null ? [] : [['', labels.user] as const]), ...Object.entries(labels.metadata)];
  if (wanted.length === 0) return listPage(db, list.all, accountId, page);
  const names = wanted.map(([name]) => name);
  const values = wanted.map(([, value]) => value);
  const listLed = (inside: Database, place: number) => {
    const others = (of: readonly string[]) => of.filter((_, at) => at !== place);
    return listPage(inside, list.labelled, accountId, page, [
      names[place],
      values[place],
      others(names),
      others(values),
    ]);
  };
  if (wanted.length === 1) return listLed(db, 0);
  return boundedSearch(db, COMBINED_TIMEOUT_MS, async (inside) => {
    const { place } = await row(inside, RAREST, [accountId, names, values]);
    return listLed(inside, place);
  });
}

/** Counts no further than this: a label with more entries is a common one. */
const COMMON = 1000;

const RAREST = defineStatement({
  name: 'find_rarest_label',
  text: `SELECT (wanted.place - 1)::integer AS place FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS wanted (name, value, place)
    ORDER BY (SELECT count(*) FROM (SELECT FROM generation_labels l
      WHERE l.account_id = $1 AND l.name = wanted.name AND l.value = wanted.value LIMIT ${COMMON}) AS counted), wanted.place LIMIT 1`,
  row: { place: t.integer },
});
