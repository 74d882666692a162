import { Context } from '@temporalio/activity';
import type { Archived } from '../contracts/activities.ts';
import type { ContentVariant, VideoFacts } from '../contracts/content.ts';
import { contentKey } from '../contracts/content.ts';
import type { ArchivedContent, Archiving, Content } from '../store/index.ts';
import { NotTheContent, type Provider } from '../provider/index.ts';
import { withHeartbeats } from './heartbeats.ts';
import { copyContent, type Progress } from './copyContent.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { recordGone } from './recordGone.ts';
import { boundProvider } from './boundProvider.ts';
import { sizeAsSold } from './madeSize.ts';
import { isBusy, isFailureOfProvider, transient } from './transient.ts';

/**
 * A content that is missing this long after the video completed is gone; before, it may not be ready yet (MR-59). Where the
 * provider was asked to end its work, it deletes what it had made (MR-9).
 */
const DEAD_AFTER_MS = 3_600_000;
const DEAD_AFTER_CANCEL_MS = 60_000;

/**
 * A charged video that its provider has failed to deliver for this long is given up; most links die after an hour. What counts is the
 * time between one failure of the provider's and the next try, if that is one too, by the database's clock, and of a longer gap only
 * as much as a try and its delay may take: while a fault of ours, or of the operator's, keeps the video from being had, nothing is
 * lost (MR-59).
 */
const GIVEN_UP_AFTER_MS = 24 * 3_600_000;
const LONGEST_GAP_MS = 70 * 60_000;

/** Thumbnail and spritesheet are optional: they delay nothing for longer than this. */
const TRIES_FOR_PREVIEWS = 4;
const PREVIEWS = ['thumbnail', 'spritesheet'] as const;

/** Sent with each heartbeat: what the next try needs. */
interface Kept {
  /** Where the copy is to be resumed. */
  progress?: Progress | undefined;
  /** For how long the provider has failed to deliver, and how long after the video's completion it last did; null: another trouble came after. */
  failed?: { readonly forMs: number; readonly lastMs: number | null } | undefined;
}

/** One try of the activity. */
interface Run {
  readonly deps: ActivityDependencies;
  readonly generationId: string;
  readonly archiving: Archiving;
  readonly kept: Kept;
}

/** See `OutboundActivities.archiveContent`. */
export async function archiveContent(deps: ActivityDependencies, generationId: string): Promise<Archived> {
  const archiving = await deps.store.getArchiving(generationId);
  if (archiving.video === 'gone') {
    await deps.archive.remove(generationId);
    return { outcome: 'gone' };
  }
  if (archiving.deleted) return forget(deps, generationId);
  const kept: Kept = { ...(Context.current().info.heartbeatDetails as Kept | undefined) };
  const run: Run = { deps, generationId, archiving, kept };
  return withHeartbeats(
    () => archive(run),
    () => kept,
  );
}

async function archive(run: Run): Promise<Archived> {
  const { video, recorded } = run.archiving;
  const outcome = video ?? (await archiveVideo(run));
  if (outcome === 'archived' && !run.archiving.contested) {
    for (const variant of PREVIEWS) if (!recorded.includes(variant)) await archivePreview(run, variant);
  }
  return { outcome };
}

async function archiveVideo(run: Run): Promise<Archived['outcome']> {
  const { deps, generationId } = run;
  const { completedForMs, contested, cancelSent, state } = run.archiving;
  const deadAfterMs = cancelSent ? DEAD_AFTER_CANCEL_MS : DEAD_AFTER_MS;
  const copied = contested
    ? 'missing'
    : await copy(run, 'video')
        .catch((error: unknown) => unusable(run, error))
        .catch((error: unknown) => giveUpAfterADay(run, error));
  if (copied !== 'missing') return copied;
  if (completedForMs === null || completedForMs < deadAfterMs) {
    throw transient('The provider has no content for this video, not yet or not any more.', null);
  }
  // What was cancelled and is not charged is no loss.
  return state === 'held' && cancelSent ? recordCancelled(deps, generationId) : recordGone(deps, generationId);
}

/** The provider sent something that is not a complete video: recorded once, and retried like any other trouble. */
async function unusable({ deps, generationId }: Run, error: unknown): Promise<never> {
  if (!(error instanceof NotTheContent)) throw error;
  if (await deps.store.recordUnusableContent(generationId, error.message)) deps.count('content_unusable');
  throw transient(`No content from the provider: ${error.message}.`, null);
}

/** Raises the failure until the provider has failed for a day, and records the content as gone then. */
async function giveUpAfterADay(
  { deps, generationId, archiving, kept }: Run,
  error: unknown,
): Promise<'gone' | 'archived'> {
  const { state, completedForMs: nowMs } = archiving;
  if (state !== 'charged' || nowMs === null) throw error;
  const { forMs, lastMs } = kept.failed ?? { forMs: 0, lastMs: null };
  const isProviders = isFailureOfProvider(error);
  const gapMs = isProviders ? Math.min(LONGEST_GAP_MS, Math.max(0, nowMs - (lastMs ?? nowMs))) : 0;
  kept.failed = { forMs: forMs + gapMs, lastMs: isProviders ? nowMs : null };
  if (isProviders && kept.failed.forMs >= GIVEN_UP_AFTER_MS) return recordGone(deps, generationId);
  Context.current().heartbeat(kept);
  throw error;
}

/** Leaves out a variant that is unavailable or not an image. */
async function archivePreview(run: Run, variant: ContentVariant): Promise<void> {
  try {
    await copy(run, variant);
  } catch (error) {
    const { info, cancellationSignal } = Context.current();
    if (cancellationSignal.aborted || info.attempt < TRIES_FOR_PREVIEWS || isBusy(error)) throw error;
  }
}

async function copy(run: Run, variant: ContentVariant): Promise<Archived['outcome'] | 'missing'> {
  const { deps, generationId } = run;
  const { videoId, provider } = reachable(run);
  const location = contentKey(generationId, variant);
  const copied = await copyContent(
    { ...deps, provider },
    { videoId, variant, location, earlier: run.kept.progress },
    (progress) => {
      run.kept.progress = progress;
      // At once: the next try needs this even if the copy breaks off right away.
      Context.current().heartbeat(run.kept);
    },
  );
  if (copied === 'missing') return 'missing';
  const { shows, ...stored } = copied;
  const content = { state: 'archived', ...stored, location } as const;
  const { state } =
    variant === 'video'
      ? await recordVideo(run, content, shows)
      : await deps.store.recordContent(generationId, variant, content);
  if (state === 'gone') await deps.archive.remove(generationId);
  return state;
}

/** Records the video with what its file shows; the same transaction refunds what was charged above that (MR-75). */
async function recordVideo(run: Run, video: ArchivedContent, shows: VideoFacts): Promise<Content> {
  const { deps, generationId, archiving } = run;
  const facts = { ...shows, frameSize: sizeAsSold(archiving.size, shows.frameSize) };
  const { content, refund, differs } = await deps.store.recordArchivedVideo(generationId, video, facts);
  if (differs) deps.count('content_otherwise');
  if (refund !== null) {
    if (refund !== 'refunded') deps.count('content_refund_refused');
    Context.current().log.warn('the file of a charged video shows less than was charged', { generationId, refund });
  }
  return content;
}

/**
 * Raises a retryable failure unless the video must be archived and was made at a configured provider. A missing one is a
 * fault of ours: a content that was never requested must not be recorded as gone and refunded.
 */
function reachable({ deps, archiving }: Run): { readonly videoId: string; readonly provider: Provider } {
  const { state, videoId } = archiving;
  if (state !== 'charged' && state !== 'held') throw new Error(`the content of a ${state} generation is not kept`);
  if (videoId === null) throw new Error('there is no video');
  return { videoId, provider: boundProvider(deps, archiving.provider) };
}

/** Recorded before anything is removed: another run may have archived it meanwhile, and then it is charged. */
async function recordCancelled(
  { store, archive }: ActivityDependencies,
  generationId: string,
): Promise<Archived['outcome']> {
  const { state } = await store.recordContent(generationId, 'video', { state: 'gone' });
  if (state === 'gone') await archive.remove(generationId);
  return state;
}

/** Nothing of it is kept: its owner deleted it meanwhile. */
async function forget({ store, archive }: ActivityDependencies, generationId: string): Promise<Archived> {
  await archive.remove(generationId);
  const { state } = await store.recordContent(generationId, 'video', { state: 'gone' });
  return { outcome: state };
}
