import type { Pool } from './pool.ts';
import { row, rows } from './query.ts';

/** An attempt whose end nobody knows, with what a provider's list would show of it. */
export interface OpenAttempt {
  readonly number: number;
  readonly begunAt: Date;
  /** By the database's clock. */
  readonly ageMs: number;
  readonly model: string;
  readonly seconds: number;
  readonly size: string;
  readonly prompt: string;
  readonly hasReference: boolean;
  /** The provider's id of the video that it was made from. */
  readonly remixedFrom: string | null;
  /** Where the attempt went, and with which credential. */
  readonly providerBaseUrl: string;
  readonly providerCredential: string;
}

const OPEN_ATTEMPT = {
  name: 'open_attempt',
  text: `SELECT a.number, a.begun_at AS "begunAt", g.model, g.seconds, g.size, i.prompt, i.reference IS NOT NULL AS "hasReference",
      (SELECT made.provider_video_id FROM generations original JOIN generations made ON made.id = COALESCE(original.claim_of, original.id)
        WHERE original.id = g.remix_of) AS "remixedFrom",
      g.provider_base_url AS "providerBaseUrl", g.provider_credential AS "providerCredential",
      (extract(epoch FROM clock_timestamp() - a.begun_at) * 1000)::bigint AS "ageMs"
    FROM create_attempts a JOIN generations g ON g.id = a.generation_id JOIN inputs i ON i.generation_id = g.id
    WHERE a.generation_id = $1 AND a.outcome IS NULL`,
};

/** The generation's open attempt, undefined when there is none. */
export async function getOpenAttempt(pool: Pool, generationId: string): Promise<OpenAttempt | undefined> {
  const [attempt] = await rows<OpenAttempt>(pool, OPEN_ATTEMPT, [generationId]);
  return attempt;
}

const OWNED = {
  name: 'owned_videos',
  text: 'SELECT provider_video_id AS id FROM generations WHERE provider_video_id = ANY($1)',
};

/** Which of these videos belong to a generation, of whichever account. */
export async function findOwnedVideos(pool: Pool, providerVideoIds: readonly string[]): Promise<Set<string>> {
  return new Set((await rows<{ id: string }>(pool, OWNED, [providerVideoIds])).map(({ id }) => id));
}

const ADOPT = { name: 'adopt_video', text: 'SELECT outcome FROM adopt_video($1, $2, $3, $4)' };

export type Adoption = 'adopted' | 'rival' | 'taken' | 'closed';

/** Gives a found video to the generation, if nothing else can be meant (RULES, "Creating at most once"). */
export async function adoptVideo(
  pool: Pool,
  generationId: string,
  number: number,
  video: { id: string; createdAt: Date | null },
): Promise<Adoption> {
  return (await row<{ outcome: Adoption }>(pool, ADOPT, [generationId, number, video.id, video.createdAt])).outcome;
}
