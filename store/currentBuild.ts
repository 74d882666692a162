import type { Database } from './database.ts';
import { row, rows } from './query.ts';
import { defineStatement, t } from './statement.ts';

const RECORD = defineStatement({ name: 'record_current_build', text: 'SELECT record_current_build($1)', row: {} });

/** Records which build of the workers is current in Temporal. */
export async function recordCurrentBuild(db: Database, buildId: string): Promise<void> {
  await row(db, RECORD, [buildId]);
}

const GET = defineStatement({
  name: 'get_current_build',
  text: 'SELECT build_id AS "buildId" FROM current_build',
  row: { buildId: t.text },
});

/** The build that was current when it was last recorded; null: none ever was. */
export async function getCurrentBuild(db: Database): Promise<string | null> {
  const [kept] = await rows(db, GET, []);
  return kept?.buildId ?? null;
}
