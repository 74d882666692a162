import { NOTHING_SHOWN, type ContentVariant, type VideoFacts } from '../contracts/content.ts';
import type { GenerationState } from '../contracts/states.ts';
import type { Database } from './database.ts';
import { row, rows } from './query.ts';
import { cases, defineStatement, t, type RowOf } from './statement.ts';

const CONTENTS = {
  archived: {
    bytes: t.bigint,
    sha256: t.bytea,
    contentType: t.text,
    /** The key of the content in the store. */
    location: t.text,
  },
  gone: {},
};

const CONTENT = cases('state', CONTENTS);

/** The record of a content. */
export type Content = RowOf<typeof CONTENT>;

export type ArchivedContent = Extract<Content, { state: 'archived' }>;

/** The refund for a video whose content is gone, or shows less than was charged; null if none was due, and for a repeated record. */
export type ContentRefund = 'refunded' | 'nothing_left' | 'too_large' | 'key_reused' | null;

const CAME_OF_IT = { refund: t.nullable(t.word<NonNullable<ContentRefund>>()), differs: t.boolean };

const RECORD = defineStatement({
  name: 'record_content',
  text: `SELECT state, bytes, sha256, content_type AS "contentType", location, refund, differs
    FROM record_content($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
  row: cases('state', { archived: { ...CONTENTS.archived, ...CAME_OF_IT }, gone: { ...CONTENTS.gone, ...CAME_OF_IT } }),
});

/**
 * Records where a content is, and returns the record; the first one stands. For a deleted video it is always `gone`. Raises
 * `LedgerError` `wrong_state` unless the generation is held or charged, and `no_proof` unless the provider said completed
 * (for `gone`: at least an hour ago).
 */
export async function recordContent(
  db: Database,
  generationId: string,
  variant: ContentVariant,
  content: Content,
): Promise<Content> {
  const { refund: _refund, differs: _differs, ...recorded } = await record(db, generationId, variant, content);
  return recorded;
}

/**
 * Records an archived video and what its file shows, and in the same transaction refunds what was charged above that, where the
 * offer says as_made (MR-75). Returns the record; `differs` the first time that the file shows something else than was sold.
 * Raises the same errors as `recordContent`.
 */
export async function recordArchivedVideo(
  db: Database,
  generationId: string,
  video: ArchivedContent,
  shows: VideoFacts,
): Promise<{ readonly content: Content; readonly refund: ContentRefund; readonly differs: boolean }> {
  const { refund, differs, ...content } = await record(db, generationId, 'video', video, shows);
  db.changed(generationId);
  return { content, refund, differs };
}

/**
 * Records that a video's content is gone, and in the same transaction refunds what is left of its charge, unless its owner
 * deleted the video or was served all of it (MR-22). Returns the record. Raises the same errors as `recordContent`.
 */
export async function recordContentGone(
  db: Database,
  generationId: string,
): Promise<{ readonly content: Content; readonly refund: ContentRefund }> {
  const { refund, differs: _differs, ...content } = await record(db, generationId, 'video', { state: 'gone' });
  db.changed(generationId);
  return { content, refund };
}

async function record(
  db: Database,
  generationId: string,
  variant: ContentVariant,
  content: Content,
  { lengthMs, frameSize, hasSound }: VideoFacts = NOTHING_SHOWN,
): Promise<RowOf<typeof RECORD>> {
  const described = content.state === 'archived' ? content : undefined;
  return row(db, RECORD, [
    generationId,
    variant,
    content.state,
    described?.bytes,
    described?.sha256,
    described?.contentType,
    described?.location,
    lengthMs,
    frameSize,
    hasSound,
  ]);
}

const RECORD_UNUSABLE = defineStatement({
  name: 'record_unusable_content',
  text: 'SELECT record_unusable_content($1, $2) AS first',
  row: { first: t.boolean },
});

/** Records, once for each generation, that the provider sent something other than a video; true for the first time. */
export async function recordUnusableContent(db: Database, generationId: string, why: string): Promise<boolean> {
  return (await row(db, RECORD_UNUSABLE, [generationId, why])).first;
}

/** A range of a content's bytes; the end is exclusive. `total` is null while the length isn't known. */
export interface ServedPart {
  readonly from: number;
  readonly to: number;
  readonly total: number | null;
}

const RECORD_SERVED = defineStatement({
  name: 'record_content_served',
  text: 'SELECT record_content_served($1, $2, $3, $4)',
  row: {},
});

/** Records which bytes of the video its owner was sent. Once that is all of it, it is no longer refunded as gone (MR-22). */
export async function recordContentServed(
  db: Database,
  generationId: string,
  { from, to, total }: ServedPart,
): Promise<void> {
  await row(db, RECORD_SERVED, [generationId, from, to, total]);
}

const GET_CONTENT = defineStatement({
  name: 'get_content',
  text: `SELECT c.state, c.bytes, c.sha256, c.content_type AS "contentType", c.location
    FROM contents c JOIN generations g ON g.id = c.generation_id
    WHERE g.id = $1 AND g.account_id = $2 AND g.state = 'charged' AND g.deleted_at IS NULL AND c.variant = $3`,
  row: CONTENT,
});

const GET_REFUNDED = defineStatement({
  name: 'refunded_of_generation',
  text: `SELECT COALESCE(sum(amount_microcredits), 0)::bigint AS microcredits FROM refunds WHERE generation_id = $1`,
  row: { microcredits: t.bigint },
});

/** The refunded part of a charge, in microcredits. */
export async function getRefunded(db: Database, generationId: string): Promise<number> {
  return (await row(db, GET_REFUNDED, [generationId])).microcredits;
}

/** The content of a charged, undeleted generation of this account (MR-52); undefined if nothing is recorded. */
export async function getContent(
  db: Database,
  accountId: string,
  generationId: string,
  variant: ContentVariant,
): Promise<Content | undefined> {
  const [content] = await rows(db, GET_CONTENT, [generationId, accountId, variant]);
  return content;
}

const ARCHIVING = defineStatement({
  name: 'archiving',
  text: `SELECT g.state, g.size, g.deleted_at IS NOT NULL AS deleted, made.provider, made.provider_video_id AS "videoId",
      made.provider_id_contested_at IS NOT NULL AS contested, g.cancel_sent_at IS NOT NULL AS "cancelSent",
      CASE WHEN made.provider_verdict = 'completed'
        THEN (extract(epoch FROM clock_timestamp() - made.last_look_at) * 1000)::bigint END AS "completedForMs",
      (SELECT c.state FROM contents c WHERE c.generation_id = g.id AND c.variant = 'video') AS video,
      ARRAY(SELECT c.variant FROM contents c WHERE c.generation_id = g.id) AS recorded
    FROM generations g JOIN generations made ON made.id = COALESCE(g.claim_of, g.id) WHERE g.id = $1`,
  row: {
    state: t.word<GenerationState>(),
    /** As it was sold. */
    size: t.nullable(t.text),
    deleted: t.boolean,
    provider: t.nullable(t.text),
    videoId: t.nullable(t.text),
    /** The provider gave the same id to another attempt, so the content may be another generation's (MR-39). */
    contested: t.boolean,
    /** The provider was asked to end its work on it (MR-9). */
    cancelSent: t.boolean,
    /** The time since we saw it completed, by the database's clock; null before. */
    completedForMs: t.nullable(t.bigint),
    /** The record of the video itself, if there is one. */
    video: t.nullable(t.word<Content['state']>()),
    recorded: t.texts<ContentVariant>(),
  },
});

/** What the archiving activity needs to know about a generation. */
export type Archiving = RowOf<typeof ARCHIVING>;

/** The state of archiving; for a claim, of the claimed video. */
export async function getArchiving(db: Database, generationId: string): Promise<Archiving> {
  return row(db, ARCHIVING, [generationId]);
}

const LIST_UNARCHIVED = defineStatement({
  name: 'list_unarchived',
  text: `SELECT g.id AS "generationId", g.account_id AS "accountId", g.provider_video_id AS "providerVideoId"
    FROM generations g
    WHERE g.settled_at BETWEEN clock_timestamp() - interval '7 days' AND clock_timestamp() - interval '1 minute'
      AND g.credits_charged AND g.kind = 'video' AND g.claim_of IS NULL AND g.deleted_at IS NULL
      AND NOT EXISTS (SELECT FROM contents c WHERE c.generation_id = g.id AND c.variant = 'video')
    ORDER BY g.settled_at OFFSET $1 LIMIT $2`,
  row: { generationId: t.text, accountId: t.text, providerVideoId: t.nullable(t.text) },
});

/** A charged video whose content is neither archived nor recorded as gone. */
export type UnarchivedVideo = RowOf<typeof LIST_UNARCHIVED>;

/** Videos charged within seven days that are neither archived nor recorded as gone. A lost one must be recorded (MR-22). */
export async function listUnarchived(db: Database, offset: number, limit: number): Promise<UnarchivedVideo[]> {
  return rows(db, LIST_UNARCHIVED, [offset, limit]);
}
