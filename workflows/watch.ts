import { condition, sleep } from '@temporalio/workflow';
import type { Look, TerminalLook } from '../contracts/activities.ts';
import { LAST_TRIES, lastAtProvider, provider } from './activities.ts';
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
  readonly generationId: string;
  readonly providerVideoId: string;
}

export interface Watched extends Seen {
  readonly plan: PollPlan;
  /** When the video was created, on the workflow's clock. */
  readonly createdAtMs: number;
  readonly deadline: Deadline;
  readonly nudge: Nudge;
  /** The hold in words, for operators. */
  readonly hold: string;
}

/** Events cause at most one look in this time, however many come. */
const NUDGED_LOOK_GAP_MS = 2000;

/** An event may come before the provider's own state has changed: two more looks, 2 s and 5 s after an inconclusive one. */
const AFTER_INCONCLUSIVE_NUDGE_MS = [2000, 3000];

/** Looks until the verdict is terminal. Undefined: the hold's time is over. Nothing else ends it. */
export async function watch(watched: Watched): Promise<TerminalLook | undefined> {
  const { plan, deadline, nudge, createdAtMs } = watched;
  let soon: number[] = [];
  let lastLookMs = 0;
  while (deadline.leftMs() > 0) {
    const delayMs = soon.shift() ?? nextLookDelayMs(plan, Date.now() - createdAtMs);
    const nudged = await waitForNudge(watched, Math.min(delayMs, deadline.leftMs()));
    const gapMs = lastLookMs + NUDGED_LOOK_GAP_MS - Date.now();
    if (nudged && gapMs > 0)
      await sleep(Math.min(gapMs, deadline.leftMs()), { summary: 'collect further provider events' });
    // Reset before the retrieve: a nudge that comes during it must cause another look.
    nudge.pending = false;
    const look = await lookOnce(watched, deadline.leftMs(), nudged ? 'after a provider event' : 'by the poll plan');
    if (look !== undefined && look.verdict !== 'open') return look;
    lastLookMs = Date.now();
    if (nudged) soon = [...AFTER_INCONCLUSIVE_NUDGE_MS];
  }
  return undefined;
}

/** Looks once at the video of a claim, retrying for `timeLeftMs`; undefined when no terminal verdict was seen. */
export async function lookWithin(seen: Seen, timeLeftMs: number): Promise<TerminalLook | undefined> {
  const look = await lookOnce(seen, timeLeftMs, 'the video is claimed');
  return look === undefined || look.verdict === 'open' ? undefined : look;
}

/**
 * The last look, at the hold's end (MR-19); undefined when its verdict is not terminal. Raises the activity's failure;
 * `whoseFault` says whether the provider was asked.
 */
export async function lastLook(
  { generationId, providerVideoId }: Seen,
  tries = LAST_TRIES,
): Promise<TerminalLook | undefined> {
  const looking = lastAtProvider("look at the video: the last look, the hold's time is over", tries);
  const look = await looking.retrieveVideo({ generationId, providerVideoId });
  return look.verdict === 'open' ? undefined : look;
}

/** The last search for the video of an open attempt, and a look at what it found; fails as `lastLook` does. */
export async function lastFind(generationId: string, tries = LAST_TRIES): Promise<TerminalLook | undefined> {
  const looking = lastAtProvider(
    "search for the video of the open attempt: the last search, the hold's time is over",
    tries,
  );
  const found = await looking.findVideo({ generationId });
  if (found.outcome !== 'adopted') return undefined;
  return lastLook({ generationId, providerVideoId: found.providerVideoId }, tries);
}

async function waitForNudge({ nudge, hold }: Watched, delayMs: number): Promise<boolean> {
  const seconds = Math.round(delayMs / 100) / 10;
  describe(`${hold} The provider is making the video; next look in ${seconds} s, or at its next event.`);
  return condition(() => nudge.pending, Math.max(1, delayMs), { summary: `next look at the provider in ${seconds} s` });
}

async function lookOnce(watched: Seen, timeLeftMs: number, why: string): Promise<Look | undefined> {
  const { generationId, providerVideoId } = watched;
  try {
    return await provider(`look at the video: ${why}`, timeLeftMs).retrieveVideo({ generationId, providerVideoId });
  } catch (error) {
    // The hold's time is over without an answer. Whosever fault that is, no credits move; `expire` looks once more.
    whoseFault(error);
    return undefined;
  }
}
