import type { ParameterValue } from '../contracts/offers.ts';
import type { GenerationState } from '../contracts/states.ts';
import type { Database } from './database.ts';
import { defineGenerationList, type Labels, listGenerationPage } from './labels.ts';
import { CALLER, CALLER_COLUMNS, type FoundKey, toFoundKey } from './keys.ts';
import type { Listed, Page } from './pages.ts';
import { row, rows } from './query.ts';
import { SHOWN, SHOWN_COLUMNS } from './selections.ts';
import { defineStatement, t, type RowOf } from './statement.ts';

/** The columns of a video, and the tables that they are in. */
export const VIDEO = `${SHOWN}, g.account_id AS "accountId", g.seconds, g.size, i.prompt, COALESCE(i.parameters, '{}') AS parameters,
      CASE WHEN g.provider_id_contested_at IS NULL THEN g.provider_video_id END AS "providerVideoId",
      g.provider, g.provider_progress AS "progress", g.provider_completed_at AS "providerCompletedAt",
      g.cancel_requested_at IS NOT NULL AS "cancelRequested", g.event_sequence AS "eventSequence",
      CASE WHEN g.claimable_until > clock_timestamp() AND g.deletion_begun_at IS NULL AND g.provider_id_contested_at IS NULL
        AND NOT EXISTS (SELECT FROM generations c WHERE c.claim_of = g.id AND c.state IN ('requested', 'held', 'charged'))
        AND NOT EXISTS (SELECT FROM accounts a WHERE a.id = g.account_id AND a.frozen_at IS NOT NULL) THEN g.claimable_until END AS "claimableUntil",
      g.claim_of AS "claimOf",
      (SELECT c.id FROM generations c WHERE c.claim_of = g.id AND c.state IN ('held', 'charged')) AS "claimedAs", g.remix_of AS "remixOf",
      seconds_made(g) AS "madeSeconds"`;

export const FROM_VIDEOS = `FROM generations g JOIN holds h ON h.generation_id = g.id LEFT JOIN inputs i ON i.generation_id = g.id`;

const SELECT_VIDEO = `SELECT ${VIDEO} ${FROM_VIDEOS}`;

/** The video of an id and an account, both as SQL. */
const OWNED_VIDEO = (id: string, accountId: string) =>
  `${SELECT_VIDEO} WHERE g.id = ${id} AND g.account_id = ${accountId} AND g.kind = 'video' AND g.deleted_at IS NULL`;

export const VIDEO_COLUMNS = {
  ...SHOWN_COLUMNS,
  accountId: t.text,
  seconds: t.notNull(t.integer),
  size: t.notNull(t.text),
  /** Null after its erasure. */
  prompt: t.nullable(t.text),
  /** By the names of the offer, defaults filled in; empty after its erasure. */
  parameters: t.jsonb<Readonly<Record<string, ParameterValue>>>(),
  providerVideoId: t.nullable(t.text),
  /** The provider of its last attempt. */
  provider: t.nullable(t.text),
  progress: t.nullable(t.integer),
  providerCompletedAt: t.nullable(t.timestamptz),
  cancelRequested: t.boolean,
  /** The sequence number of its last event. */
  eventSequence: t.integer,
  /** Until when `claim_generation` would admit a claim, whatever the balance, and while sales are open; null when it would not (MR-53). */
  claimableUntil: t.nullable(t.timestamptz),
  /** The late video that it claims. */
  claimOf: t.nullable(t.text),
  /** The claim that has it, or is getting it. */
  claimedAs: t.nullable(t.text),
  /** The video that it remixes. */
  remixOf: t.nullable(t.text),
  /** How long the completed video is, by what its capture charged: the provider's word, or its file. */
  madeSeconds: t.nullable(t.integer),
};

const GET = defineStatement({
  name: 'get_generation',
  text: OWNED_VIDEO('$1', '$2'),
  row: VIDEO_COLUMNS,
});

/** A generation, with the fields that its owner may see. */
export type Generation = RowOf<typeof GET>;

/** A generation of this account that has or had a hold and was not deleted; undefined for anything else. */
export async function getGeneration(db: Database, accountId: string, id: string): Promise<Generation | undefined> {
  const [generation] = await rows(db, GET, [id, accountId]);
  return generation;
}

const GET_AS = defineStatement({
  name: 'get_video_by_key',
  text: `SELECT ${CALLER}, v.* FROM api_keys k LEFT JOIN LATERAL (${OWNED_VIDEO('$2', 'k.account_id')}) AS v ON true
    WHERE k.key_sha256 = $1`,
  // Without such a video, all of its columns are null.
  row: { ...CALLER_COLUMNS, ...VIDEO_COLUMNS, id: t.nullable(VIDEO_COLUMNS.id) },
});

/** The owner of a key, as `findCaller` answers, and their video of this id, in one statement. */
export async function findCallersVideo(
  db: Database,
  sha256: Buffer,
  videoId: string,
): Promise<{ readonly found: FoundKey; readonly video: Generation | undefined }> {
  const [read] = await rows(db, GET_AS, [sha256, videoId]);
  const found = toFoundKey(read);
  const { id = null } = read ?? {};
  return { found, video: read === undefined || id === null ? undefined : { ...read, id } };
}

const LIST = defineGenerationList({ name: 'generations', kind: 'video', select: SELECT_VIDEO, row: VIDEO_COLUMNS });

/** The videos of this account that hold, or held, credits, were not deleted, and have these labels. */
export async function listGenerations(
  db: Database,
  accountId: string,
  page: Page<string>,
  labels?: Labels,
): Promise<Listed<Generation>> {
  return listGenerationPage(db, LIST, accountId, page, labels);
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
