import type { GenerationState } from '../contracts/states.ts';
import type { Database } from './database.ts';
import { defineList, listPage, type Listed, type Page } from './pages.ts';
import { row, rows } from './query.ts';
import { SHOWN_GENERATION, SHOWN_GENERATION_COLUMNS } from './selections.ts';
import { defineStatement, t, type RowOf } from './statement.ts';

const GET = defineStatement({
  name: 'get_generation',
  text: `${SHOWN_GENERATION} WHERE g.id = $1 AND g.account_id = $2 AND g.kind = 'video' AND g.deleted_at IS NULL`,
  row: SHOWN_GENERATION_COLUMNS,
});

/** A generation, with the fields that its owner may see. */
export type Generation = RowOf<typeof GET>;

/** A generation of this account that has or had a hold and was not deleted; undefined for anything else. */
export async function getGeneration(db: Database, accountId: string, id: string): Promise<Generation | undefined> {
  const [generation] = await rows(db, GET, [id, accountId]);
  return generation;
}

const LIST = defineList({
  name: 'generations',
  select: `${SHOWN_GENERATION}
    WHERE g.account_id = $1 AND g.kind = 'video' AND g.deleted_at IS NULL AND g.state IN ('held', 'charged', 'released')`,
  row: SHOWN_GENERATION_COLUMNS,
  key: 'g.id',
  keyKind: 'id',
});

/** The generations of this account that hold, or held, credits and were not deleted. */
export async function listGenerations(
  db: Database,
  accountId: string,
  page: Page<string>,
): Promise<Listed<Generation>> {
  return listPage(db, LIST, accountId, page);
}

const CANCEL = defineStatement({
  name: 'request_cancel',
  text: 'SELECT state, first FROM request_cancel($1, $2)',
  row: { state: t.word<GenerationState>(), first: t.boolean },
});

/** The state of the generation, and whether this call recorded the cancel. */
export type RequestedCancel = RowOf<typeof CANCEL>;

/** Records the client's cancel, once; `first` says whether this call recorded it. */
export async function requestCancel(
  db: Database,
  generationId: string,
  by: 'client' | 'operator',
): Promise<RequestedCancel> {
  const wish = await row(db, CANCEL, [generationId, by]);
  db.changed(generationId);
  return wish;
}
