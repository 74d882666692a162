import { condition, sleep } from '@temporalio/workflow';
import type { Look, TerminalLook } from '../contracts/activities.ts';
import { LAST_TRIES, lastAtProvider, provider } from './activities.ts';
import { describe } from './describe.ts';
import type { Deadline } from './deadline.ts';
import type { PollPlan } from './pollPlan.ts';
import { nextLookDelayMs } from './pollPlan.ts';
import { whoseFault } from './whoseFault.ts';

/** Set by the signal `providerEvent`: something happened at the provider, look now. */
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
  /** The hold in words, for the operator. */
  readonly hold: string;
}

/** However many events come, one look in this time answers them all. */
const NUDGED_LOOK_GAP_MS = 2000;

/** An event that came before the provider's own state caught up: looks 2 s and 5 s after the inconclusive one. */
const AFTER_INCONCLUSIVE_NUDGE_MS = [2000, 3000];

/** Looks until the provider's last word, or until the hold's time is over (undefined). Nothing else ends it. */
export async function watch(watched: Watched): Promise<TerminalLook | undefined> {
  const { plan, deadline, nudge, createdAtMs } = watched;
  let soon: number[] = [];
  let lastLookMs = 0;
  while (deadline.leftMs() > 0) {
    const delayMs = soon.shift() ?? nextLookDelayMs(plan, Date.now() - createdAtMs);
    const nudged = await waitForNudge(watched, Math.min(delayMs, deadline.leftMs()));
    const gapMs = lastLookMs + NUDGED_LOOK_GAP_MS - Date.now();
    if (nudged && gapMs > 0) await sleep(Math.min(gapMs, deadline.leftMs()), { summary: 'gather provider events' });
    // Before the retrieve: a nudge that comes during it must lead to another one.
    nudge.pending = false;
    const look = await lookOnce(watched, deadline.leftMs(), nudged ? 'after a provider event' : 'by the poll plan');
    if (look !== undefined && look.verdict !== 'open') return look;
    lastLookMs = Date.now();
    if (nudged) soon = [...AFTER_INCONCLUSIVE_NUDGE_MS];
  }
  return undefined;
}

/** Looks at a video that is complete already, until an answer can be had within this time; undefined without a last word. */
export async function lookWithin(seen: Seen, timeLeftMs: number): Promise<TerminalLook | undefined> {
  const look = await lookOnce(seen, timeLeftMs, 'it is claimed');
  return look === undefined || look.verdict === 'open' ? undefined : look;
}

/**
 * The last retrieve, at the hold's end (MR-19); undefined when the provider answered without a last word. Raises the activity's
 * failure: `whoseFault` says whether the provider was asked.
 */
export async function lastLook(
  { generationId, providerVideoId }: Seen,
  tries = LAST_TRIES,
): Promise<TerminalLook | undefined> {
  const looking = lastAtProvider('look at the video: the last one, the hour is over', tries);
  const look = await looking.retrieveVideo({ generationId, providerVideoId });
  return look.verdict === 'open' ? undefined : look;
}

/** The last look for what an open attempt may have made, and at that; fails as `lastLook` does. */
export async function lastFind(generationId: string, tries = LAST_TRIES): Promise<TerminalLook | undefined> {
  const looking = lastAtProvider('look for what the attempt may have made: the last time, the hold has ended', tries);
  const found = await looking.findVideo({ generationId });
  if (found.outcome !== 'adopted') return undefined;
  return lastLook({ generationId, providerVideoId: found.providerVideoId }, tries);
}

async function waitForNudge({ nudge, hold }: Watched, delayMs: number): Promise<boolean> {
  const seconds = Math.round(delayMs / 100) / 10;
  describe(`${hold} The provider is making the video; next look in ${seconds} s, or on its event.`);
  return condition(() => nudge.pending, Math.max(1, delayMs), { summary: `next look at the provider in ${seconds} s` });
}

async function lookOnce(watched: Seen, timeLeftMs: number, why: string): Promise<Look | undefined> {
  const { generationId, providerVideoId } = watched;
  try {
    return await provider(`look at the video: ${why}`, timeLeftMs).retrieveVideo({ generationId, providerVideoId });
  } catch (error) {
    // No answer until the time was over, by whoever's fault: it moves nothing, and `expire` makes the last look.
    whoseFault(error);
    return undefined;
  }
}
