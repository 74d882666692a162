import { canonicalVideoId } from '../contracts/providerVideoId.ts';
import { imageFilename, type ImageRole, type InputImage } from '../contracts/inputFile.ts';
import type { ParameterValue } from '../contracts/offers.ts';
import type { Verdict } from '../contracts/states.ts';
import type { Database } from './database.ts';
import { identitiesOf, type Limited, requestsPerMinuteOf } from './identities.ts';
import { LABELS, LABELS_COLUMNS, type Labels } from './labels.ts';
import { row } from './query.ts';
import { cases, defineStatement, t, type RowOf } from './statement.ts';

/** The client's request, with what the submission needs. */
export interface GenerationRequest {
  /** Its name at the provider. */
  readonly model: string;
  readonly seconds: number;
  readonly size: string;
  readonly prompt: string;
  readonly images: readonly InputImage[];
  /** The provider's id of the video to remix. */
  readonly remixedFrom: string | null;
  /** The video to remix is at another provider. */
  readonly remixedElsewhere: boolean;
  readonly labels: Labels;
  /** The provider's names for length and size. */
  readonly lengthField: 'seconds' | 'duration';
  readonly sizeField: 'size' | 'resolution';
  /** By the provider's names. */
  readonly parameters: Readonly<Record<string, ParameterValue>>;
}

const BEGIN = defineStatement({
  name: 'begin_attempt',
  text: `SELECT outcome, number, provider, provider_video_id AS "providerVideoId", error_code AS "errorCode", model, seconds, size, prompt,
      images, image_types AS "imageTypes", image_roles AS "imageRoles", remixed_from AS "remixedFrom",
      remixed_elsewhere AS "remixedElsewhere", length_field AS "lengthField", size_field AS "sizeField", parameters,
      wait_ms AS "waitMs", ${LABELS('$1')}
    FROM begin_attempt($1, $2, $3, $4)`,
  row: cases('outcome', {
    begun: {
      number: t.integer,
      provider: t.text,
      model: t.text,
      seconds: t.integer,
      size: t.text,
      prompt: t.text,
      images: t.nullable(t.byteas),
      imageTypes: t.texts(),
      imageRoles: t.texts<ImageRole>(),
      remixedFrom: t.nullable(t.text),
      remixedElsewhere: t.boolean,
      lengthField: t.word<GenerationRequest['lengthField']>(),
      sizeField: t.word<GenerationRequest['sizeField']>(),
      parameters: t.jsonb<GenerationRequest['parameters']>(),
      ...LABELS_COLUMNS,
    },
    known: { provider: t.text, providerVideoId: t.text },
    refused: { errorCode: t.text },
    open: {},
    conflict: {},
    spent: {},
    cancelled: {},
    too_late: {},
    no_provider: {},
    busy: { provider: t.text, waitMs: t.integer },
    settled: {},
  }),
});

type Begun = Extract<RowOf<typeof BEGIN>, { outcome: 'begun' }>;

export type AttemptStart =
  | {
      readonly outcome: 'begun';
      readonly number: number;
      /** The identity of the provider to be called. */
      readonly provider: string;
      readonly request: GenerationRequest;
    }
  | Exclude<RowOf<typeof BEGIN>, Begun>;

/**
 * Commits an attempt before the call (`begun`), or returns why none may be made; `too_late`: less time is left than required;
 * `no_provider`: none of the configured ones, the default one first, may make it; `busy`: its call has no turn yet.
 */
export async function beginAttempt(
  db: Database,
  generationId: string,
  configured: readonly Limited[],
  leastTimeLeftMs = 0,
): Promise<AttemptStart> {
  const begun = await row(db, BEGIN, [
    generationId,
    identitiesOf(configured),
    Math.ceil(leastTimeLeftMs),
    requestsPerMinuteOf(configured),
  ]);
  if (begun.outcome !== 'begun') return begun;
  const { number, provider } = begun;
  return { outcome: 'begun', number, provider, request: requestOf(begun) };
}

function requestOf(begun: Begun): GenerationRequest {
  const { model, seconds, size, prompt, imageTypes, imageRoles } = begun;
  const { remixedFrom, remixedElsewhere, user, metadata, lengthField, sizeField, parameters } = begun;
  const images = (begun.images ?? []).map((bytes, place) => {
    const [role = 'input_reference', contentType = ''] = [imageRoles[place], imageTypes[place]];
    return { role, bytes, contentType, filename: imageFilename(role, contentType) };
  });
  const labels = { user, metadata };
  const asked = { model, seconds, size, prompt, images, remixedFrom, remixedElsewhere, labels };
  return { ...asked, lengthField, sizeField, parameters };
}

export type AttemptEnd =
  | { readonly outcome: 'created'; readonly providerVideoId: string; readonly providerCreatedAt: Date | null }
  | { readonly outcome: 'refused' | 'not_made'; readonly code: string; readonly message: string }
  /** The provider's list was searched, and the video is not there. */
  | { readonly outcome: 'not_found' };

const END = defineStatement({
  name: 'end_attempt',
  text: 'SELECT end_attempt($1, $2, $3, $4, $5, $6, $7, $8) AS outcome',
  row: { outcome: t.word<AttemptEnd['outcome'] | 'conflict' | 'closed'>() },
});

/**
 * Closes an attempt and returns how. `conflict` in place of `created`: the provider's id belongs to another generation.
 * `closed`: the attempt had ended differently before.
 */
export async function endAttempt(
  db: Database,
  generationId: string,
  number: number,
  end: AttemptEnd,
): Promise<AttemptEnd['outcome'] | 'conflict' | 'closed'> {
  const ended = await row(db, END, [generationId, number, end.outcome, ...endValues(end)]);
  db.changed(generationId);
  return ended.outcome;
}

function endValues(end: AttemptEnd): unknown[] {
  switch (end.outcome) {
    case 'created':
      return [end.providerVideoId, canonicalVideoId(end.providerVideoId), end.providerCreatedAt, null, null];
    case 'refused':
    case 'not_made':
      return [null, null, null, end.code, end.message];
    case 'not_found':
      return [null, null, null, null, null];
  }
}

const NOTE_AMBIGUOUS = defineStatement({
  name: 'note_ambiguous_attempt',
  text: 'SELECT note_ambiguous_attempt($1, $2, $3)',
  row: {},
});

/** Leaves the attempt open and records why it is not known whether it arrived. */
export async function noteAmbiguousAttempt(
  db: Database,
  generationId: string,
  number: number,
  why: string,
): Promise<void> {
  await row(db, NOTE_AMBIGUOUS, [generationId, number, why]);
}

const PROVIDER_OF = defineStatement({
  name: 'provider_of',
  text: `SELECT made.provider, made.provider_video_id AS "videoId", made.size, g.cancel_ended_at IS NOT NULL AS "cancelEnded"
    FROM generations g JOIN generations made ON made.id = COALESCE(g.claim_of, g.id) WHERE g.id = $1`,
  row: { provider: t.nullable(t.text), videoId: t.nullable(t.text), size: t.nullable(t.text), cancelEnded: t.boolean },
});

/**
 * The provider of the generation's last attempt and its video there (for a claim: the claimed video's), null before; the size
 * that was sold; and whether it is on record that the provider ended its work on it.
 */
export async function getProviderVideo(db: Database, generationId: string): Promise<RowOf<typeof PROVIDER_OF>> {
  return row(db, PROVIDER_OF, [generationId]);
}

const NOTE_UNREACHABLE = defineStatement({
  name: 'note_unreachable',
  text: 'SELECT note_unreachable($1, $2, $3)',
  row: {},
});

/** Records how many looks failed, and for how long. Moves nothing (MR-15). */
export async function noteUnreachable(db: Database, generationId: string, tries: number, forMs: number): Promise<void> {
  await row(db, NOTE_UNREACHABLE, [generationId, tries, Math.round(forMs)]);
}

export interface SeenVideo {
  readonly verdict: Verdict;
  readonly status: string;
  readonly progress: number | null;
  readonly completedAt: Date | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  /** What the provider says that it made; unset or null: nothing. */
  readonly seconds?: number | null;
  readonly size?: string | null;
  readonly model?: string | null;
  readonly hasAudio?: boolean | null;
}

const RECORD_LOOK = defineStatement({
  name: 'record_look',
  text: 'SELECT verdict, error_code AS "errorCode", differs, cancel FROM record_look($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)',
  row: {
    verdict: t.word<Verdict>(),
    errorCode: t.nullable(t.text),
    differs: t.boolean,
    /** How far a cancel of it has come: `sent` to the provider, perhaps. */
    cancel: t.word<'none' | 'requested' | 'sent'>(),
  },
});

/**
 * Records a look and returns the recorded verdict: the first terminal verdict stands. `providerVideoId`: of the video that was
 * seen, in any spelling.
 */
export async function recordLook(
  db: Database,
  generationId: string,
  providerVideoId: string,
  seen: SeenVideo,
): Promise<RowOf<typeof RECORD_LOOK>> {
  const { verdict, status, progress, completedAt, errorCode, errorMessage } = seen;
  const recorded = await row(db, RECORD_LOOK, [
    generationId,
    canonicalVideoId(providerVideoId),
    verdict,
    status,
    progress,
    completedAt,
    errorCode,
    errorMessage,
    seen.seconds,
    seen.size,
    seen.model,
    seen.hasAudio,
  ]);
  db.changed(generationId);
  return recorded;
}
