import { Context } from '@temporalio/activity';
import type { ContentVariant, VideoFacts } from '../contracts/content.ts';
import type { Stored } from '../outbound/index.ts';
import { ContentTooLarge, IncompleteContent } from '../outbound/index.ts';
import { checkContent, type ContentAnswer, type Provider } from '../provider/index.ts';
import type { ActivityDependencies, CopyLimits } from './dependencies.ts';
import { transient } from './transient.ts';

/** The progress of a copy. Temporal keeps it between two tries of the activity. */
export interface Progress {
  readonly variant: ContentVariant;
  readonly etag: string | null;
  /** The length of the whole content. */
  readonly total: number | null;
  bytes: number;
}

export interface Wanted {
  readonly videoId: string;
  readonly variant: ContentVariant;
  /** Its key in the store. */
  readonly location: string;
  /** The progress of an earlier try of this activity. */
  readonly earlier: Progress | undefined;
}

export type Copied = Stored & { readonly contentType: string; readonly shows: VideoFacts };

type Dependencies = Pick<ActivityDependencies, 'archive' | 'copyLimits'> & { readonly provider: Provider };

/** Longer than what then remains of Temporal's time-out, so that no try begins that the time-out would end. */
const TRY_OVER_RETRY_MS = 2 * 60_000;

/** A content that is too large will hardly be smaller soon. */
const TOO_LARGE_RETRY_MS = 10 * 60_000;

/**
 * Copies one content into the store, resuming where an earlier try broke off if it is still the same content. `missing`: the
 * provider says that there is none. Raises `NotTheContent` for bytes that are not a complete video or image (MR-58) and keeps none of
 * them; raises a retryable failure for every other answer and for a body that breaks off.
 */
export async function copyContent(
  deps: Dependencies,
  wanted: Wanted,
  onProgress: (progress: Progress) => void,
): Promise<Copied | 'missing'> {
  const answer = await askOn(deps, wanted);
  if (answer === 'missing') return 'missing';
  const { from, total, etag, body } = answer;
  const { maximumBytes } = deps.copyLimits;
  if (total !== null && total > maximumBytes) {
    await body?.cancel();
    throw tooLarge(maximumBytes);
  }
  const progress: Progress = { variant: wanted.variant, etag, total, bytes: from };
  onProgress(progress);
  const check = checkContent(wanted.variant);
  const stored = await deps.archive
    .write(wanted.location, received(body, progress, deps.copyLimits), { from, bytes: total, maximumBytes, check })
    .catch((error: unknown) => {
      if (error instanceof ContentTooLarge) throw tooLarge(maximumBytes);
      throw error instanceof IncompleteContent ? transient('The content broke off.', null) : error;
    });
  return { ...stored, contentType: check.type ?? '', shows: check.shows };
}

/** The rest of the content after what is stored; without a body when everything is stored. */
type Rest = Pick<Part, 'from' | 'total' | 'etag'> & { readonly body: Part['body'] | null };
type Part = Extract<ContentAnswer, { outcome: 'part' }>;

/**
 * Requests what is not stored yet; the whole content when the rest would not match what is stored. Nothing is requested when an
 * earlier try stored all of it and only its record is missing: the provider's link may be dead by now (MR-59).
 */
async function askOn(deps: Dependencies, wanted: Wanted): Promise<Rest | 'missing'> {
  const { variant, earlier, location } = wanted;
  const whole = await deps.archive.whole(location);
  if (whole !== undefined) return { from: whole, total: whole, etag: null, body: null };
  const known = earlier?.variant === variant && earlier.total !== null ? earlier : undefined;
  const kept = known === undefined ? 0 : await deps.archive.kept(location);
  if (known === undefined || kept === 0) return askForAll(deps, wanted);
  const answer = await ask(deps, wanted, kept);
  if (answer.outcome === 'missing') return 'missing';
  // There is nothing after what is stored: it is complete if that is the content's length.
  const rest = answer.outcome === 'part' ? answer : { from: answer.total, ...answer, body: null };
  if (rest.from === 0 && rest.body !== null) return { ...rest, from: 0 };
  const fits = rest.from === kept && rest.total === known.total && (rest.etag ?? known.etag) === known.etag;
  if (fits) return { ...rest, from: kept, etag: known.etag };
  await rest.body?.cancel();
  return askForAll(deps, wanted);
}

async function askForAll(deps: Dependencies, wanted: Wanted): Promise<Rest | 'missing'> {
  const answer = await ask(deps, wanted, 0);
  if (answer.outcome === 'missing') return 'missing';
  if (answer.outcome === 'part' && answer.from === 0) return answer;
  if (answer.outcome === 'part') await answer.body.cancel();
  throw transient('The provider answered with a part of the content when asked for all of it.', null);
}

async function ask(
  { provider }: Dependencies,
  { videoId, variant }: Wanted,
  from: number,
): Promise<Exclude<ContentAnswer, { outcome: 'trouble' }>> {
  const signal = Context.current().cancellationSignal;
  const range = from === 0 ? {} : { range: `bytes=${from}-` };
  const answer = await provider.downloadContent(videoId, { variant, signal, ...range });
  if (answer.outcome !== 'trouble') return answer;
  throw transient(`No content from the provider: ${answer.why}.`, answer.retryAfterMs, answer.whose);
}

function tooLarge(maximumBytes: number): Error {
  const why = `The content has more than ${maximumBytes} bytes (ARCHIVE_CONTENT_MAX_BYTES).`;
  return transient(why, TOO_LARGE_RETRY_MS, 'ours');
}

/**
 * Counts the bytes. A body that breaks off or is too slow raises a retryable failure; the next try resumes. Only the time that the
 * provider takes is counted against it: while our own store writes, it waits for us.
 */
async function* received(
  body: ReadableStream<Uint8Array> | null,
  progress: Progress,
  limits: CopyLimits,
): AsyncGenerator<Uint8Array> {
  const { cancellationSignal } = Context.current();
  let storeMs = 0;
  const beganMs = performance.now();
  const isTooSlow = speedometer(limits, () => performance.now() - storeMs);
  let slow = false;
  try {
    for await (const chunk of body ?? []) {
      // Checked at each chunk: fetch holds the signal weakly.
      cancellationSignal.throwIfAborted();
      const writtenFromMs = performance.now();
      yield chunk;
      storeMs += performance.now() - writtenFromMs;
      progress.bytes += chunk.length;
      slow = isTooSlow(chunk.length);
      if (slow) break;
      if (performance.now() - beganMs > limits.tryMs) throw new TryOver();
    }
  } catch (error) {
    cancellationSignal.throwIfAborted();
    if (error instanceof TryOver) {
      const why = 'The content did not come in the time of one try; it goes on from where it was.';
      // It came as fast as it must, or our own store took the time.
      throw transient(why, TRY_OVER_RETRY_MS, 'ours');
    }
    throw transient('The content broke off.', null);
  }
  if (slow) throw transient('The content comes too slowly; it is tried again from where it was.', null);
}

class TryOver extends Error {}

/** Counts these bytes; true when the last full window brought too few. The transport notices a body that stalls. */
function speedometer({ leastBytes, withinMs }: CopyLimits, nowMs: () => number): (bytes: number) => boolean {
  let [sinceMs, sum] = [nowMs(), 0];
  return (bytes) => {
    sum += bytes;
    if (nowMs() - sinceMs < withinMs) return false;
    const tooSlow = sum < leastBytes;
    [sinceMs, sum] = [nowMs(), 0];
    return tooSlow;
  };
}
