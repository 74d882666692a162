import { continueAsNew } from '@temporalio/workflow';
import type { Finding, ReconcileInput, ReconcileReport } from '../contracts/reconcile.ts';
import { provider, reconciler } from './activities.ts';
import { describe } from './describe.ts';
import { inParallel } from './inParallel.ts';
import { settleFinding } from './settleFinding.ts';

/** Holds looked at in one survey, and surveys in one run of the workflow: then it goes on as new, with a short history. */
const PAGE = 200;
const PAGES_A_RUN = 10;
/** What one run does of each other kind; the rest is the next one's. */
const AT_MOST = 200;
const AT_ONCE = 10;
/** So many are named in the report; all are counted. */
const NAMED = 300;

/**
 * Finishes what a workflow did not, follows videos that were released before their end, and compares balances with the
 * journal (RULES, "The reconciler"). Each step is idempotent and decided by the database or by Temporal's describe at that
 * moment, so two runs at once do no harm. A dry run changes nothing.
 */
export async function reconcileHolds({ dryRun, after, report }: ReconcileInput): Promise<ReconcileReport> {
  const done = report ?? emptyReport(dryRun);
  let next = after ?? '';
  for (let page = 0; page < PAGES_A_RUN; page += 1) {
    describe(`Looking after holds: ${done.holds_checked} looked at so far.`);
    const survey = await reconciler('which holds are left alone').surveyHolds({ after: next, limit: PAGE });
    done.holds_checked += survey.checked;
    await inParallel(AT_ONCE, survey.findings, (finding) => act(done, finding));
    if (survey.next === null) return finish(done);
    next = survey.next;
  }
  return continueAsNew<typeof reconcileHolds>({ dryRun, after: next, report: done });
}

function emptyReport(dryRun: boolean): ReconcileReport {
  return {
    dry_run: dryRun,
    holds_checked: 0,
    acts: [],
    acts_made: 0,
    requests_voided: 0,
    followed: 0,
    follow_ended: 0,
    videos_deleted: 0,
    orphans: null,
    accounts_compared: 0,
    differences: 0,
  };
}

async function act(done: ReconcileReport, finding: Finding): Promise<void> {
  const { generationId, accountId, action, why } = finding;
  const outcome = done.dry_run ? 'would' : await carryOut(finding);
  done.acts_made += 1;
  if (done.acts.length < NAMED) done.acts.push({ generation_id: generationId, action, why, outcome });

  function carryOut({ action }: Finding): Promise<string> {
    if (action === 'settle') return settleFinding(finding);
    return reconciler(`start it again: ${why}`).resumeGeneration({ generationId, accountId });
  }
}

async function finish(done: ReconcileReport): Promise<ReconcileReport> {
  const archive = await reconciler('whose content nobody archives').surveyArchive({ limit: AT_MOST });
  await inParallel(AT_ONCE, archive, (finding) => act(done, finding));
  if (!done.dry_run) {
    done.requests_voided = await reconciler('void requests that were never held').voidLateRequests();
    await follow(done);
    await deleteUnclaimed(done);
  }
  const orphans = provider('videos that no generation owns', 120_000).findOrphans();
  // A provider that is away, or whose list is too long: said as null, and asked again by the next run.
  done.orphans = await orphans.catch(() => null);
  const { accounts, differences } = await reconciler('balances and the journal').compareBalances();
  done.accounts_compared = accounts;
  done.differences = differences;
  describe(`Done: ${done.holds_checked} holds looked at, ${done.acts_made} taken care of.`);
  return done;
}

/** Videos of released generations: their end frees a slot, and a late completion can be claimed. */
async function follow(done: ReconcileReport): Promise<void> {
  const followed = await reconciler('released, but not finished').listFollowed({ after: null, limit: AT_MOST });
  done.followed = followed.length;
  await inParallel(AT_ONCE, followed, async ({ generationId, providerVideoId, hasOpenAttempt, isOver }) => {
    if (isOver) {
      if (await reconciler('a day is over: follow it no longer').stopFollowing({ generationId }))
        done.follow_ended += 1;
      return;
    }
    const look = provider('look at the video of a released generation', 60_000);
    // What can't be learned now is looked at again by the next run.
    if (providerVideoId !== null) {
      await look.retrieveVideo({ generationId, providerVideoId }).catch(() => undefined);
    } else if (hasOpenAttempt) {
      await look.findVideo({ generationId }).catch(() => undefined);
    }
  });
}

async function deleteUnclaimed(done: ReconcileReport): Promise<void> {
  const unclaimed = await reconciler('late videos that nobody claimed').listUnclaimed({ limit: AT_MOST });
  await inParallel(AT_ONCE, unclaimed, async (generationId) => {
    const deleted = await provider('delete a late video that nobody claimed', 60_000)
      .deleteUnclaimed({ generationId })
      .catch(() => false);
    if (deleted) done.videos_deleted += 1;
  });
}
