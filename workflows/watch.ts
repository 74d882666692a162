import { condition, sleep } from '@temporalio/workflow';
import type { GenerationRef, TerminalLook } from '../contracts/activities.ts';
import { lastAtProvider, provider } from './activities.ts';
import type { Cancel } from './cancel.ts';
import { endWork } from './cancel.ts';
import type { Effort } from './copy.ts';
import { copyAtLast, copyUntil, LAST_EFFORT } from './copy.ts';
import { describe } from './describe.ts';
import type { Deadline } from './deadline.ts';
import type { PollPlan } from './pollPlan.ts';
import { nextLookDelayMs } from './pollPlan.ts';
import { whoseFault } from './whoseFault.ts';

/** Set by the signal `providerEvent`, which means: look now (MR-4). */
export interface Nudge {
  pending: boolean;
}

interface Seen {
  readonly generation: GenerationRef;
  readonly providerVideoId: string;
}

export interface Watched extends Seen {
  readonly plan: PollPlan;
  /** When the video was created, on the workflow's clock. */
  readonly createdAtMs: number;
  readonly deadline: Deadline;
  readonly nudge: Nudge;
  readonly cancel: Cancel;
  /** The hold in words, for operators. */
  readonly hold: string;
}

/** Events cause at most one look in this time, however many come. */
const NUDGED_LOOK_GAP_MS = 2000;

/** An event may come before the provider's own state has changed: two more looks, 2 s and 5 s after an inconclusive one. */
const AFTER_INCONCLUSIVE_NUDGE_MS = [2000, 3000];

/**
 * Looks until the verdict is terminal. Undefined: the hold's time is over. Nothing else ends it, but for a cancel that the
 * provider has carried out (MR-9).
 */
export async function watch(watched: Watched): Promise<TerminalLook | undefined> {
  const { generation, plan, deadline, nudge, cancel, createdAtMs } = watched;
  let soon: number[] = [];
  let lastLookMs = 0;
  while (deadline.leftMs() > 0) {
    const delayMs = soon.shift() ?? nextLookDelayMs(plan, Date.now() - createdAtMs);
    const called = await waitForCall(watched, Math.min(delayMs, deadline.leftMs()));
    const gapMs = lastLookMs + NUDGED_LOOK_GAP_MS - Date.now();
    if (called && gapMs > 0)
      await sleep(Math.min(gapMs, deadline.leftMs()), { summary: 'collect further provider events' });
    const nudged = nudge.pending;
    const why = nudged ? 'after a provider event' : cancel.requested ? 'a cancel is requested' : 'by the poll plan';
    // Reset before the retrieve: a nudge that comes during it must cause another look.
    nudge.pending = false;
    cancel.requested = false;
    // The look reads from the record whether a cancel is wanted.
    await cancel.recorded();
    const look = await lookOnce(watched, deadline.leftMs(), why);
    if (look?.verdict === 'to_archive') return archiveFirst(watched);
    if (look !== undefined && look.verdict !== 'open') return look;
    if (look?.cancelWanted === true && (await endWork(generation, deadline))) return ENDED;
    lastLookMs = Date.now();
    if (nudged) soon = [...AFTER_INCONCLUSIVE_NUDGE_MS];
  }
  return undefined;
}

const ENDED: TerminalLook = { verdict: 'ended' };

/** The video completed although the provider was asked to end its work: it is charged only once it is in the archive. */
async function archiveFirst({ generation, deadline }: Watched): Promise<TerminalLook | undefined> {
  describe(
    'The video completed after a cancel was sent. Copying it to the archive; it is charged once it is archived.',
  );
  const copied = await copyUntil(generation, deadline);
  if (copied === undefined) return undefined;
  return copied === 'archived' ? { verdict: 'completed' } : ENDED;
}

/** Looks once at the video of a claim, retrying for `timeLeftMs`; undefined when no terminal verdict was seen. */
export async function lookWithin(seen: Seen, timeLeftMs: number): Promise<TerminalLook | undefined> {
  const look = await lookOnce(seen, timeLeftMs, 'the video is claimed');
  return look === undefined || look.verdict === 'open' || look.verdict === 'to_archive' ? undefined : look;
}

/**
 * The last look, at the hold's end (MR-19); undefined when its verdict is not terminal. Raises the activity's failure;
 * `whoseFault` says whether the provider was asked.
 */
export async function lastLook(
  { generation, providerVideoId }: Seen,
  effort: Effort = LAST_EFFORT,
): Promise<TerminalLook | undefined> {
  const { generationId } = generation;
  const looking = lastAtProvider("look at the video: the last look, the hold's time is over", effort.tries);
  const look = await looking.retrieveVideo({ generationId, providerVideoId });
  if (look.verdict === 'to_archive') return copyAtLast(generation, effort);
  return look.verdict === 'open' ? undefined : look;
}

/** The last search for the video of an open attempt, and a look at what it found; fails as `lastLook` does. */
export async function lastFind(
  generation: GenerationRef,
  effort: Effort = LAST_EFFORT,
): Promise<TerminalLook | undefined> {
  const looking = lastAtProvider(
    "search for the video of the open attempt: the last search, the hold's time is over",
    effort.tries,
  );
  const found = await looking.findVideo({ generationId: generation.generationId });
  if (found.outcome !== 'adopted') return undefined;
  return lastLook({ generation, providerVideoId: found.providerVideoId }, effort);
}

/** Whether a provider's event or a cancel ended the wait. */
async function waitForCall({ nudge, cancel, hold }: Watched, delayMs: number): Promise<boolean> {
  const seconds = Math.round(delayMs / 100) / 10;
  describe(`${hold} The provider is making the video; next look in ${seconds} s, or at its next event.`);
  return condition(() => nudge.pending || cancel.requested, Math.max(1, delayMs), {
    summary: `next look at the provider in ${seconds} s`,
  });
}

async function lookOnce({ generation, providerVideoId }: Seen, timeLeftMs: number, why: string) {
  const looking = provider(`look at the video: ${why}`, timeLeftMs);
  try {
    return await looking.retrieveVideo({ generationId: generation.generationId, providerVideoId });
  } catch (error) {
    // The hold's time is over without an answer. Whosever fault that is, no credits move; `expire` looks once more.
    whoseFault(error);
    return undefined;
  }
}
