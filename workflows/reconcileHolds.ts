import { ActivityFailure, continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { GenerationRef } from '../contracts/activities.ts';
import type { Finding, Followed, ReconcileInput, ReconcileReport } from '../contracts/reconcile.ts';
import { providerOnce, reconciler } from './activities.ts';
import { startDelivery } from './announce.ts';
import { describe } from './describe.ts';
import { inParallel } from './inParallel.ts';
import { settleFinding } from './settleFinding.ts';

/** Rows of a page, and the most pages that each follow-up reads in a run; the next run does the rest. */
const PAGE = 200;
const PAGES_AT_MOST = 5;
/** Most of this work waits for the provider. */
const AT_ONCE = 20;
/** The report lists this many acts; it counts all of them. */
const NAMED = 300;

/**
 * Finishes what other workflows did not, follows the videos of released generations, and compares balances with the journal
 * (MR-51, MR-56). Each step is idempotent and is decided by the database, or by Temporal's describe, when it is done, so two
 * runs at once do no harm. What can't be done now is left to the next run; nothing here waits without limit. A dry run
 * changes nothing.
 */
export async function reconcileHolds({ dryRun, after, report }: ReconcileInput): Promise<ReconcileReport> {
  const done = report ?? emptyReport(dryRun);
  let next = after ?? '';
  for (;;) {
    describe(`Checking holds: ${done.holds_checked} so far.`);
    const survey = await reconciler('find holds that no workflow looks after').surveyHolds({
      after: next,
      limit: PAGE,
    });
    done.holds_checked += survey.checked;
    await inParallel(AT_ONCE, survey.findings, (finding) => act(done, finding));
    if (survey.next === null) return finish(done);
    next = survey.next;
    if (workflowInfo().continueAsNewSuggested) {
      await continueAsNew<typeof reconcileHolds>({ dryRun, after: next, report: done });
    }
  }
}

function emptyReport(dryRun: boolean): ReconcileReport {
  return {
    dry_run: dryRun,
    holds_checked: 0,
    acts: [],
    acts_made: 0,
    holds_overdue: dryRun ? null : 0,
    requests_voided: null,
    webhooks_resumed: null,
    followed: null,
    follow_ended: null,
    videos_deleted: null,
    orphans: null,
    accounts_compared: null,
    differences: null,
  };
}

type Counted = 'holds_overdue' | 'webhooks_resumed' | 'followed' | 'follow_ended' | 'videos_deleted';

/** What is never counted stays null, also when its list could not be read. */
function count(done: ReconcileReport, what: Counted, more: number): void {
  done[what] = (done[what] ?? 0) + more;
}

const NOT_NOW = 'not now';

async function act(done: ReconcileReport, finding: Finding): Promise<void> {
  const { generationId, action, why } = finding;
  const outcome = done.dry_run ? 'would' : ((await ifNow(() => carryOut(finding))) ?? NOT_NOW);
  done.acts_made += 1;
  // A fault of the provider's would have released the hold, so `not now` means a fault of ours.
  if (action === 'settle' && outcome === NOT_NOW) count(done, 'holds_overdue', 1);
  if (done.acts.length < NAMED) done.acts.push({ generation_id: generationId, action, why, outcome });
}

function carryOut(finding: Finding): Promise<string> {
  if (finding.action === 'settle') return settleFinding(finding);
  const { generationId, accountId, why } = finding;
  if (finding.action === 'archive') return startArchive({ generationId, accountId }, why);
  return reconciler(`start the workflow again: ${why}`).resumeGeneration({ generationId, accountId });
}

async function startArchive(generation: GenerationRef, why: string): Promise<string> {
  await reconciler(`start the copy of the content: ${why}`).startArchive(generation);
  return 'started';
}

/** Undefined when the work can't be done now: one failure must not keep the rest from being done. */
async function ifNow<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ActivityFailure) return undefined;
    throw error;
  }
}

async function finish(done: ReconcileReport): Promise<ReconcileReport> {
  const overdue = done.holds_overdue ?? 0;
  if (overdue > 0) await ifNow(() => alertOverdue(done, overdue));
  await ifNow(() => archive(done));
  if (!done.dry_run) {
    done.requests_voided =
      (await ifNow(() => reconciler('void late requests that hold nothing').voidLateRequests())) ?? null;
    await ifNow(() => resumeWebhooks(done));
    await ifNow(() => follow(done));
    await ifNow(() => deleteUnclaimed(done));
  }
  // The provider may not be reached, or its list may be too long.
  done.orphans = (await ifNow(() => providerOnce('find videos that no generation owns', 'long').findOrphans())) ?? null;
  const compared = await ifNow(() => reconciler('compare balances with the journal').compareBalances());
  done.accounts_compared = compared?.accounts ?? null;
  done.differences = compared?.differences ?? null;
  const alert = overdue === 0 ? '' : ` ALERT: a fault of ours keeps ${overdue} past their end.`;
  describe(`Done: ${done.holds_checked} holds checked, ${done.acts_made} acts.${alert}`);
  return done;
}

async function alertOverdue({ acts }: ReconcileReport, holds: number): Promise<void> {
  const one = acts.find(({ action, outcome }) => action === 'settle' && outcome === NOT_NOW);
  const why = 'the reconciler could not settle them; the next run tries again';
  await reconciler('alert: a fault of ours keeps holds past their end').alertOverdue({
    holds,
    generationId: one?.generation_id ?? 'see GET /admin/doctor',
    why,
  });
}

async function archive(done: ReconcileReport): Promise<void> {
  for (let page = 0; page < PAGES_AT_MOST; page += 1) {
    const paged = { offset: page * PAGE, limit: PAGE };
    const { checked, findings } = await reconciler('find charged videos that nobody archives').surveyArchive(paged);
    await inParallel(AT_ONCE, findings, (finding) => act(done, finding));
    if (checked < PAGE) return;
  }
}

/** Starts the deliveries that settlements recorded and that no workflow sends. */
async function resumeWebhooks(done: ReconcileReport): Promise<void> {
  for (let page = 0; page < PAGES_AT_MOST; page += 1) {
    const some = { seed: `${workflowInfo().runId} ${page}`, limit: PAGE };
    const deliveries = await reconciler('find overdue webhooks').listOverdueWebhooks(some);
    count(done, 'webhooks_resumed', 0);
    await inParallel(AT_ONCE, deliveries, async (delivery) => {
      if (await startDelivery(delivery)) count(done, 'webhooks_resumed', 1);
    });
    if (deliveries.length < PAGE) return;
  }
}

/** Looks at the videos of released generations: their end frees the account's slot, and a late completion can be claimed. */
async function follow(done: ReconcileReport): Promise<void> {
  const seed = workflowInfo().runId;
  for (let page = 0; page < PAGES_AT_MOST; page += 1) {
    const paged = { seed, offset: page * PAGE, limit: PAGE };
    const followed = await reconciler('list released generations whose video has not ended').listFollowed(paged);
    count(done, 'followed', followed.length);
    count(done, 'follow_ended', 0);
    await inParallel(AT_ONCE, followed, async (one) => {
      await ifNow(() => followOne(done, one));
    });
    if (followed.length < PAGE) return;
  }
}

async function followOne(done: ReconcileReport, followed: Followed): Promise<void> {
  const { generationId, providerVideoId, hasOpenAttempt, isOver } = followed;
  if (providerVideoId !== null) {
    const look = providerOnce('look at the video of a released generation');
    await ifNow(() => look.retrieveVideo({ generationId, providerVideoId }));
  } else if (hasOpenAttempt) {
    await ifNow(() =>
      providerOnce('search for the video of a released generation', 'long').findVideo({ generationId }),
    );
  }
  if (!isOver) return;
  const stopped = await reconciler('stop following: a day has passed').stopFollowing({ generationId });
  if (stopped) count(done, 'follow_ended', 1);
}

async function deleteUnclaimed(done: ReconcileReport): Promise<void> {
  const unclaimed = await reconciler('list late videos that nobody claimed').listUnclaimed({
    seed: workflowInfo().runId,
    limit: PAGE,
  });
  count(done, 'videos_deleted', 0);
  await inParallel(AT_ONCE, unclaimed, async (generationId) => {
    const deleting = () => providerOnce('delete a late video that nobody claimed').deleteUnclaimed({ generationId });
    if (await ifNow(deleting)) count(done, 'videos_deleted', 1);
  });
}
