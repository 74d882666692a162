import { ActivityFailure, condition, sleep } from '@temporalio/workflow';
import type { Look, TerminalLook } from '../contracts/activities.ts';
import { provider } from './activities.ts';
import { describe } from './describe.ts';
import type { Deadline } from './deadline.ts';
import type { PollPlan } from './pollPlan.ts';
import { nextLookDelayMs } from './pollPlan.ts';

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

/** For the retrieve at the end of the hour: room for a second try after the longest Retry-After. */
const LAST_LOOK_MS = 150_000;

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

/** One last retrieve at the end of the hour; undefined when it brings no last word. */
export async function lastLook(watched: Seen): Promise<TerminalLook | undefined> {
  const look = await lookOnce(watched, LAST_LOOK_MS, 'the last one, the hour is over');
  return look === undefined || look.verdict === 'open' ? undefined : look;
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
    // No readable answer until the time was over. That says nothing about the video, and moves nothing.
    if (error instanceof ActivityFailure) return undefined;
    throw error;
  }
}
