import type { SettlementReason } from '../contracts/states.ts';
import type { Database } from './database.ts';
import { FROM_VIDEOS, VIDEO, VIDEO_COLUMNS } from './generations.ts';
import { rows } from './query.ts';
import { defineStatement, t, type RowOf } from './statement.ts';
import { FROM_TEXTS, TEXT, TEXT_COLUMNS } from './texts.ts';

/** Generations as an operator sees them: as their owner does, with what only concerns the operator, and deleted ones too. */

const OURS = `g.provider_video_id AS "idAtProvider", g.provider_id_contested_at AS "contestedAt",
      g.provider_status AS "providerStatus", g.settlement_reason AS "settlementReason", g.deleted_at AS "deletedAt",
      COALESCE(g.provider_error_code, attempt.error_code) AS "providerErrorCode",
      COALESCE(g.provider_error_message, attempt.error_message) AS "providerErrorMessage"`;

const LAST_ATTEMPT = `LEFT JOIN LATERAL (SELECT a.error_code, a.error_message FROM provider_attempts a
      WHERE a.generation_id = g.id ORDER BY a.number DESC LIMIT 1) attempt ON true`;

const OURS_COLUMNS = {
  /** Also while it is contested, which hides it from the owner. */
  idAtProvider: t.nullable(t.text),
  contestedAt: t.nullable(t.timestamptz),
  providerStatus: t.nullable(t.text),
  settlementReason: t.nullable(t.word<SettlementReason>()),
  deletedAt: t.nullable(t.timestamptz),
  /** What the provider said of the video, or else of the last attempt, in its own words; null after an erasure. */
  providerErrorCode: t.nullable(t.text),
  providerErrorMessage: t.nullable(t.text),
};

const VIDEOS = defineStatement({
  name: 'operator_videos',
  text: `SELECT ${VIDEO}, ${OURS} ${FROM_VIDEOS} ${LAST_ATTEMPT} WHERE g.id = ANY($1)`,
  row: { ...VIDEO_COLUMNS, ...OURS_COLUMNS },
});

export type OperatorsVideo = RowOf<typeof VIDEOS>;

/** The videos with these ids, in this order. */
export async function getVideosForOperator(db: Database, ids: readonly string[]): Promise<OperatorsVideo[]> {
  return inOrder(ids, await rows(db, VIDEOS, [ids]));
}

const TEXTS = defineStatement({
  name: 'operator_texts',
  text: `SELECT ${TEXT}, g.account_id AS "accountId", g.provider, ${OURS} ${FROM_TEXTS} ${LAST_ATTEMPT} WHERE g.id = ANY($1)`,
  row: { ...TEXT_COLUMNS, accountId: t.text, provider: t.nullable(t.text), ...OURS_COLUMNS },
});

export type OperatorsText = RowOf<typeof TEXTS>;

/** The scripts and threads with these ids, in this order. */
export async function getTextsForOperator(db: Database, ids: readonly string[]): Promise<OperatorsText[]> {
  return inOrder(ids, await rows(db, TEXTS, [ids]));
}

function inOrder<Row extends { readonly id: string }>(ids: readonly string[], found: readonly Row[]): Row[] {
  const byId = new Map(found.map((row) => [row.id, row]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}
