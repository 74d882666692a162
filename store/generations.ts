import { defineList, listPage, type Listed, type Page } from './pages.ts';
import type { Pool } from './pool.ts';
import { rows } from './query.ts';
import { SHOWN_GENERATION, SHOWN_GENERATION_COLUMNS } from './selections.ts';
import { defineStatement, type RowOf } from './statement.ts';

const GET = defineStatement({
  name: 'get_generation',
  text: `${SHOWN_GENERATION} WHERE g.id = $1 AND g.account_id = $2 AND g.kind = 'video' AND g.deleted_at IS NULL`,
  row: SHOWN_GENERATION_COLUMNS,
});

/** A generation as its owner may see it. */
export type Generation = RowOf<typeof GET>;

/** A generation of this very account that has, or had, a hold and was not deleted; undefined for anything else. */
export async function getGeneration(pool: Pool, accountId: string, id: string): Promise<Generation | undefined> {
  const [generation] = await rows(pool, GET, [id, accountId]);
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
export async function listGenerations(pool: Pool, accountId: string, page: Page<string>): Promise<Listed<Generation>> {
  return listPage(pool, LIST, accountId, page);
}
