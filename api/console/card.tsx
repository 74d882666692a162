import type { Video } from '../videos/videoObject.ts';
import { PREFIX } from './forward.ts';
import { adviceFor, codeShown, type Stage, STAGE_WORDS, stageOf } from './outcome.ts';
import { Amount, Time } from './parts.tsx';
import { RemixForm } from './remix.tsx';

/** A video as a card, in every state. The script fetches the card anew when the state changes, so it is drawn here alone. */

interface Shown {
  readonly video: Video;
  /** How long such a video takes, in words. */
  readonly typical: string;
  /** On the video's own page there is no link to it. */
  readonly isAlone?: boolean;
}

export function VideoCard({ video, typical, isAlone = false }: Shown) {
  const stage = stageOf(video);
  const isOpen = stage === 'queued' || stage === 'working' || stage === 'cancelling';
  const titleId = `title-${video.id}`;
  return (
    <article
      class={`card ${stage}`}
      data-video={video.id}
      aria-labelledby={titleId}
      {...(isOpen && { 'data-open': '' })}
    >
      <header>
        <Title id={titleId} isAlone={isAlone}>
          {video.prompt ?? 'Deleted prompt'}
        </Title>
        <StageBadge stage={stage} />
      </header>
      {isOpen ? <Working video={video} stage={stage} typical={typical} /> : null}
      {stage === 'done' || stage === 'refunded' ? <Finished video={video} /> : null}
      {stage === 'failed' || stage === 'late' ? <Failure video={video} /> : null}
      <Actions video={video} stage={stage} isAlone={isAlone} />
    </article>
  );
}

function Title({
  id,
  isAlone,
  children,
}: {
  readonly id: string;
  readonly isAlone: boolean;
  readonly children?: string;
}) {
  return isAlone ? (
    <h1 class="prompt" id={id}>
      {children}
    </h1>
  ) : (
    <h3 class="prompt" id={id}>
      {children}
    </h3>
  );
}

function StageBadge({ stage }: { readonly stage: Stage }) {
  return <span class={`badge ${stage}`}>{STAGE_WORDS[stage]}</span>;
}

function Working({
  video,
  stage,
  typical,
}: {
  readonly video: Video;
  readonly stage: Stage;
  readonly typical: string;
}) {
  const { credits } = video;
  return (
    <>
      <progress
        max={100}
        aria-label={`Progress of the video`}
        {...(video.progress > 0 ? { value: video.progress } : {})}
      ></progress>
      <p class="meta">
        <span class="percent" data-percent>
          {video.progress > 0 ? `${video.progress} %` : STAGE_WORDS[stage]}
        </span>
        <span data-since={String(video.created_at)} class="clock">
          0:00
        </span>
        <span>{typical}</span>
      </p>
      <p class="meta">
        <span>
          <Amount credits={credits.amount} /> credits reserved
        </span>
        <span>
          back by <Time at={credits.hold_expires_at} /> unless it completes
        </span>
      </p>
    </>
  );
}

function Finished({ video }: { readonly video: Video }) {
  const content = `${PREFIX}/v1/videos/${video.id}/content`;
  const { credits } = video;
  return (
    <>
      {/* Loaded when it is played: a few videos that a browser begins to load ahead take all of its connections to this server. */}
      <video
        controls
        playsinline
        preload="none"
        poster={`${content}?variant=thumbnail`}
        src={content}
        aria-label={`Video: ${video.prompt ?? video.id}`}
        data-content
      >
        <track kind="captions" />
      </video>
      <p class="notice bad" data-content-gone hidden>
        This content can’t be played at the moment. Its timeline says what became of it.
      </p>
      <p class="meta">
        <span>
          <Amount credits={credits.amount} /> credits charged
        </span>
        {credits.refunded_at !== undefined && <strong>{refunded(video)}</strong>}
        <span>
          {video.model} · {video.size} · {video.seconds} s
        </span>
      </p>
    </>
  );
}

function refunded({ credits }: Video): string {
  const isAll = credits.refunded_microcredits === credits.amount_microcredits;
  return `${isAll ? 'All of them' : 'A part of them'} refunded by ${credits.refunded_by ?? 'the operator'}`;
}

function Failure({ video }: { readonly video: Video }) {
  const { credits, error } = video;
  const code = error?.code ?? 'unknown';
  return (
    <div class="failure">
      <p class="failure-title">
        <strong>Video generation failed</strong> <code>{codeShown(code)}</code>
      </p>
      {error !== null && <p>{error.message}</p>}
      <p class="refund">
        <em>Credits have been refunded to your account</em> <Amount credits={credits.amount} /> credits
      </p>
      {credits.claimed_as !== null ? (
        <p>
          The provider finished it later, and it was claimed as{' '}
          <a href={`${PREFIX}/videos/${credits.claimed_as}`}>another video</a>.
        </p>
      ) : credits.claimable_until !== null ? (
        <p>
          The provider finished it after that. You can still have it for <Amount credits={credits.amount} /> credits
          until <Time at={credits.claimable_until} />.
        </p>
      ) : (
        <p class="quiet">{adviceFor(code)}</p>
      )}
    </div>
  );
}

const WHY: Record<Video['status'], string> = {
  queued: 'Details',
  in_progress: 'Details',
  completed: 'Why was I charged?',
  failed: 'What happened?',
};

function Actions({
  video,
  stage,
  isAlone,
}: {
  readonly video: Video;
  readonly stage: Stage;
  readonly isAlone: boolean;
}) {
  return (
    <footer>
      {stage === 'queued' || stage === 'working' ? <button data-act="cancel">Cancel</button> : null}
      {video.credits.claimable ? (
        <button data-act="claim" class="primary">
          Claim the video
        </button>
      ) : null}
      {video.status === 'completed' ? (
        <a class="button" href={`${PREFIX}/v1/videos/${video.id}/content`} download={`${video.id}.mp4`}>
          Download
        </a>
      ) : null}
      {video.status === 'completed' ? <RemixForm video={video} /> : null}
      {isAlone ? null : (
        <a class="why" href={`${PREFIX}/videos/${video.id}`}>
          {WHY[video.status]}
          <span class="hidden"> {video.prompt}</span>
        </a>
      )}
      <p role="status" class="said" data-said></p>
    </footer>
  );
}
