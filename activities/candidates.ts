import type { OpenAttempt } from '../store/index.ts';
import type { Provider, ProviderVideo } from '../provider/index.ts';
import type { ProviderDependencies } from './dependencies.ts';
import { likenessOf, wideForm, type Likeness } from './likeness.ts';
import { listRecent, type ListEnd } from './listRecent.ts';

/** A listed video without an owner. */
export interface Candidate {
  readonly id: string;
  readonly createdAt: Date | null;
  readonly likeness: Likeness;
  /** For `other`: the beginning of its text in wide form. */
  readonly text: string;
}

/** The result of searching the list for one attempt. */
export interface Looked {
  readonly end: ListEnd;
  readonly candidates: readonly Candidate[];
  /** When the attempt began by the provider's clock; null when that clock is unknown. */
  readonly begunAtMs: number | null;
}

/** Providers send whole seconds, answers take a moment, and clocks drift. */
const CLOCK_SLACK_MS = 60_000;
const MOST_CANDIDATES = 1000;
const TEXT_LENGTH = 300;

/**
 * Reads the list and keeps only possible matches. What the attempt can't have made is put aside whatever its text, so that a list
 * without prompts doesn't block the search for ever: what has an owner, what was listed before, and what is older by the clock of
 * `created_at` itself. That clock is known only by creates that we timed; the answer's `Date` may be another one.
 */
export async function lookForCandidates(
  { store, provider }: Pick<ProviderDependencies, 'store'> & { readonly provider: Provider },
  attempt: OpenAttempt,
): Promise<Looked> {
  // By this process's clock, because the provider's `Date` was compared with it; begunAt is by the database's clock.
  const begunHereMs = Date.now() - attempt.ageMs;
  const offsets: number[] = [];
  const unowned: Candidate[] = [];
  const clock = { skewMs: null as number | null };
  const end = await listRecent(provider, attempt.begunAt, async (videos, clockSkewMs) => {
    clock.skewMs = clockSkewMs;
    const owned = await store.findOwnedVideos(
      provider.identity,
      videos.map(({ id }) => id),
    );
    for (const video of videos) {
      const begunAt = owned.get(video.id);
      if (begunAt === undefined) unowned.push(candidate(video, attempt));
      else if (begunAt !== null && video.createdAt !== null)
        offsets.push(video.createdAt.getTime() - begunAt.getTime());
    }
    unowned.splice(MOST_CANDIDATES + 1);
  });
  const dated = clock.skewMs === null ? null : begunHereMs + clock.skewMs;
  const measured = offsets.length === 0 ? null : timed(offsets, attempt.begunAt.getTime());
  const begunAtMs = offsets.length === 0 ? dated : measured;
  if (unowned.length > MOST_CANDIDATES) {
    return { end: { read: 'in part', why: 'too many videos have no owner' }, candidates: unowned, begunAtMs };
  }
  const earlier = await store.findListedBefore(
    attempt,
    unowned.map(({ id }) => id),
  );
  const candidates = unowned.filter(({ id, createdAt, likeness }) => {
    // One that looks the same is never put aside by a clock, and one whose text is not shown only where both clocks agree: the
    // provider's may have been corrected since the creates that were timed.
    const isPast = likeness === 'perhaps' && isOlder(createdAt, measured) && isOlder(createdAt, dated);
    return !earlier.has(id) && !isPast;
  });
  return { end, candidates, begunAtMs };
}

/** The provider's clock skew by the submissions that we timed; null when they disagree, as those of two machines may. */
function timed(offsets: readonly number[], begunAtMs: number): number | null {
  const [least, most] = [Math.min(...offsets), Math.max(...offsets)];
  return most - least <= CLOCK_SLACK_MS ? begunAtMs + (least + most) / 2 : null;
}

function candidate(video: ProviderVideo, attempt: OpenAttempt): Candidate {
  const likeness = likenessOf(video, attempt);
  const text = likeness === 'other' ? wideForm(video.prompt ?? '').slice(0, TEXT_LENGTH) : '';
  return { id: video.id, createdAt: video.createdAt, likeness, text };
}

export type Judgement =
  /** All of these match the attempt, the oldest first. `exact`: each is `equal`. */
  | { readonly outcome: 'fits'; readonly videos: readonly Candidate[]; readonly exact: boolean }
  | { readonly outcome: 'unclear'; readonly why: string }
  | { readonly outcome: 'nothing' };

/** What the candidates prove (MR-32 to MR-37, MR-78). `explains`: the texts of other attempts whose video is unknown. */
export function judge({ end, candidates, begunAtMs }: Looked, explains: readonly string[]): Judgement {
  const alike = (likeness: Likeness) => candidates.filter((each) => each.likeness === likeness);
  const [equal, perhaps] = [alike('equal'), alike('perhaps')];
  const exact = equal.length > 0;
  const fits = exact ? equal : alike('normalised');
  if (fits.length > 0) {
    const inTime = fits.filter(({ createdAt }) => !isOlder(createdAt, begunAtMs));
    if (inTime.length === 0) return unclear('what looks the same seems to be older');
    if (!exact && perhaps.length > 0) return unclear('another video may be meant as well');
    if (end.read !== 'whole' && (!exact || inTime.length > 1)) return unclear('the list could not be read whole');
    if (!exact && !isComplete(end)) return unclear(MAY_NOT_SHOW_ALL);
    return { outcome: 'fits', videos: inTime.toSorted(byAge), exact };
  }
  // "Not recognised" does not mean "nothing was made": a second submission needs more proof than that.
  if (perhaps.length > 0) return unclear('a video that nobody owns could be meant');
  // Some providers rewrite prompts. A video that matches another attempt is explained; any other must be ruled out by its time.
  const meant = alike('other').some(
    ({ createdAt, text }) =>
      Math.abs(sinceBegin(createdAt, begunAtMs)) <= CLOCK_SLACK_MS && !explains.some((asked) => asked.startsWith(text)),
  );
  if (meant) return unclear('a video of about that time has no owner');
  if (end.read === 'in part') return unclear(end.why);
  return isComplete(end) ? { outcome: 'nothing' } : unclear(MAY_NOT_SHOW_ALL);
}

const MAY_NOT_SHOW_ALL = 'the provider’s list may not show every video';

function isComplete(end: ListEnd): boolean {
  return end.read === 'whole' && end.isComplete;
}

/** The attempt's age by the provider's clock; 0 when that is unknown: then age proves nothing (MR-37). */
function sinceBegin(createdAt: Date | null, begunAtMs: number | null): number {
  return createdAt === null || begunAtMs === null ? 0 : createdAt.getTime() - begunAtMs;
}

function isOlder(createdAt: Date | null, begunAtMs: number | null): boolean {
  return sinceBegin(createdAt, begunAtMs) < -CLOCK_SLACK_MS;
}

function byAge(a: Candidate, b: Candidate): number {
  return (a.createdAt?.getTime() ?? 0) - (b.createdAt?.getTime() ?? 0) || (a.id < b.id ? -1 : 1);
}

function unclear(why: string): Judgement {
  return { outcome: 'unclear', why };
}
