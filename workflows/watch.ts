import { CancellationScope, condition, patched, sleep } from '@temporalio/workflow';
import type { GenerationRef, Look, TerminalLook } from '../contracts/activities.ts';
import type { PollPlan } from '../contracts/pollPlan.ts';
import { nextLookDelayMs, untilOverdueMs } from '../contracts/pollPlan.ts';
import { provider } from './activities.ts';
import type { Cancel } from './cancel.ts';
import { endWork } from './cancel.ts';
import { copyUntil } from './copy.ts';
import { describe } from './describe.ts';
import type { Deadline } from './deadline.ts';
import type { Nudge } from './nudge.ts';
import { whoseFault } from './whoseFault.ts';

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

/** The poll's verdict counts while another look is unanswered. Asked for only then, so other histories don't have its marker. */
const FIRST_LOOK = 'first-look';

const ENDED: TerminalLook = { verdict: 'ended' };

/**
 * Looks until the verdict is terminal: by the poll plan, and at once after a provider's event or a cancel. Undefined: the hold's
 * time is over. Nothing else ends it, but for a cancel that the provider has carried out (MR-9).
 */
export async function watch(watched: Watched): Promise<TerminalLook | undefined> {
  const { generation, deadline, nudge, plan, createdAtMs } = watched;
  const poll = new Poll(watched);
  let soon: number[] = [];
  let lastLookMs = 0;
  while (deadline.leftMs() > 0) {
    await waitForLook(watched, poll, soon.shift());
    const nudged = nudge.pending;
    if (deadline.leftMs() === 0) break;
    const look = poll.takeLook() ?? (await lookNow(watched, poll, lastLookMs));
    if (look !== undefined && look.verdict !== 'open') {
      poll.cancel();
      return look.verdict === 'to_archive' ? archiveFirst(watched) : look;
    }
    const isToEnd = look?.cancelWanted === true;
    if (isToEnd && (await endWork(generation, deadline))) {
      poll.cancel();
      return ENDED;
    }
    lastLookMs = Date.now();
    // Not at once: a worker whose settings can't cancel has asked for nothing, and the next look wants the cancel again.
    if (isToEnd) soon = [nextLookDelayMs(plan, lastLookMs - createdAtMs)];
    if (nudged) soon = [...AFTER_INCONCLUSIVE_NUDGE_MS];
  }
  return undefined;
}

/** The video completed although the provider was asked to end its work: it is charged only once it is in the archive. */
async function archiveFirst({ generation, deadline }: Watched): Promise<TerminalLook | undefined> {
  describe(
    'The video completed after a cancel was sent. Copying it to the archive; it is charged once it is archived.',
  );
  const copied = await copyUntil(generation, deadline);
  if (copied === undefined) return undefined;
  return copied === 'archived' ? { verdict: 'completed' } : ENDED;
}

/**
 * The looks by the poll plan: one activity, which Temporal's server repeats until it has something to tell. So neither a long video
 * nor an outage makes the history longer.
 */
class Poll {
  failed = false;
  private scope: CancellationScope | undefined;
  private look: Look | undefined;

  constructor(private readonly watched: Watched) {}

  get hasLook(): boolean {
    return this.look !== undefined;
  }

  get hasEnded(): boolean {
    return this.failed || this.hasLook;
  }

  /** Does nothing while it runs. */
  start(): void {
    if (this.scope !== undefined) return;
    this.scope = new CancellationScope();
    void this.scope.run(() => this.run());
  }

  /** What it has seen; the next `start` begins anew. */
  takeLook(): Look | undefined {
    const { look } = this;
    if (look !== undefined) [this.look, this.scope] = [undefined, undefined];
    return look;
  }

  cancel(): void {
    if (!this.hasEnded) this.scope?.cancel();
  }

  private async run(): Promise<void> {
    const { generation, providerVideoId, plan, createdAtMs, deadline } = this.watched;
    const { generationId } = generation;
    const createdAgoMs = Date.now() - createdAtMs;
    try {
      const looking = provider('look at the video by the poll plan, until its verdict is terminal', deadline.leftMs());
      this.look = await looking.watchVideo({ generationId, providerVideoId, plan, createdAgoMs });
    } catch {
      // The hold's time is over, or the looks were cancelled. Whosever fault that is, no credits move; `expire` looks once more.
      this.failed = true;
    }
  }
}

/**
 * Waits for a call or for the poll's result; at most `soonMs` where that is given. Where the provider's events are expected, a timer
 * stands for the first looks: it costs less than an activity, and mostly an event comes first.
 */
async function waitForLook(watched: Watched, poll: Poll, soonMs: number | undefined): Promise<void> {
  const { nudge, cancel, deadline, plan, createdAtMs, hold } = watched;
  const isCalled = () => nudge.pending || cancel.requested;
  const waitMs = Math.min(soonMs ?? untilOverdueMs(plan, Date.now() - createdAtMs), deadline.leftMs());
  if (waitMs > 0) {
    const seconds = Math.round(waitMs / 100) / 10;
    describe(`${hold} The provider is making the video; next look in ${seconds} s, or at its next event.`);
    const summary = `next look at the provider in ${seconds} s`;
    if (await condition(isCalled, waitMs, { summary })) return;
    if (soonMs !== undefined) return;
  }
  describe(`${hold} The provider is making the video; looking by the poll plan, or at its next event.`);
  poll.start();
  await condition(() => poll.hasEnded || isCalled());
  // Shortly before the hold's end the server makes no further try.
  if (poll.failed) await condition(isCalled, Math.max(1, deadline.leftMs()), { summary: "wait for the hold's end" });
}

/** Looks at once, after an event or a cancel; at most once in two seconds. Undefined when no look was made in time. */
async function lookNow(watched: Watched, poll: Poll, lastLookMs: number): Promise<Look | undefined> {
  const { deadline, nudge, cancel } = watched;
  const gapMs = lastLookMs + NUDGED_LOOK_GAP_MS - Date.now();
  if (gapMs > 0) await sleep(Math.min(gapMs, deadline.leftMs()), { summary: 'collect further provider events' });
  const why = nudge.pending ? 'after a provider event' : cancel.requested ? 'a cancel is requested' : 'once more';
  // Reset before the retrieve: a nudge that comes during it must cause another look.
  nudge.pending = false;
  cancel.requested = false;
  // The look reads from the record whether a cancel is wanted.
  await cancel.recorded();
  return firstLook(poll, () => lookOnce(watched, deadline.leftMs(), why));
}

/** What is seen first, by this look or by the poll beside it: a call that hangs must not delay a settlement. */
async function firstLook(poll: Poll, look: () => Promise<Look | undefined>): Promise<Look | undefined> {
  const scope = new CancellationScope();
  const looking = scope.run(look);
  const seen = await Promise.race([looking, scope.run(() => condition(() => poll.hasLook))]);
  // Histories of 0.3.0 went on waiting for the look.
  if (seen === undefined && poll.hasLook && !patched(FIRST_LOOK)) return looking;
  scope.cancel();
  return seen ?? poll.takeLook();
}

/** Looks once at the video of a claim, retrying for `timeLeftMs`; undefined when no terminal verdict was seen. */
export async function lookWithin(seen: Seen, timeLeftMs: number): Promise<TerminalLook | undefined> {
  const look = await lookOnce(seen, timeLeftMs, 'the video is claimed');
  return look === undefined || look.verdict === 'open' || look.verdict === 'to_archive' ? undefined : look;
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
