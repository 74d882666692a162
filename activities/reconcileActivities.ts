import type { Finding, ReconcileActivities, ReconcileProviderActivities, Orphans } from '../contracts/reconcile.ts';
import { STUCK_AFTER_MS } from '../contracts/reconcile.ts';
import type { HeldGeneration } from '../ledger/index.ts';
import type { Provider } from '../provider/index.ts';
import { withHeartbeats } from './heartbeats.ts';
import type { ActivityDependencies, Generations } from './dependencies.ts';
import { listRecent } from './listRecent.ts';
import { boundProvider } from './boundProvider.ts';
import { transient } from './transient.ts';

type Dependencies = Pick<ActivityDependencies, 'ledger' | 'store' | 'generations' | 'archives' | 'providers' | 'count'>;

const VOIDED_AT_ONCE = 500;
const COMPARED_AT_ONCE = 50;
/** Describes at once: each is a short call to Temporal. */
const DESCRIBED_AT_ONCE = 20;

export function createReconcileActivities(deps: Dependencies): ReconcileActivities {
  const { ledger, store, generations, archives, providers, count } = deps;
  return {
    surveyHolds: async ({ after, limit }) => {
      const held = await ledger.listHeld(after ?? '', limit);
      const running = await describeAll(generations, held);
      const findings = held.flatMap((hold, index) => judge(hold, running[index]) ?? []);
      return { checked: held.length, findings, next: held.length < limit ? null : (held.at(-1)?.generationId ?? null) };
    },
    surveyArchive: async ({ offset, limit }) => {
      const charged = await store.listUnarchived(offset, limit);
      const running = await describeAll(archives, charged);
      const findings = charged
        .filter((_, index) => running[index] === false)
        .map((generation) => ({
          ...generation,
          isClaim: false,
          overdueMs: 0,
          action: 'archive' as const,
          why: NOBODY_ARCHIVES,
        }));
      return { checked: charged.length, findings };
    },
    resumeGeneration: async (generation) => {
      const resumed = await generations.resume(generation);
      if (resumed === 'resumed') count('generation_resumed');
      return resumed;
    },
    voidLateRequests: () => ledger.voidLateRequests(VOIDED_AT_ONCE),
    listFollowed: ({ seed, offset, limit }) => ledger.listFollowed(seed, offset, limit),
    stopFollowing: ({ generationId }) => ledger.stopFollowing(generationId),
    listUnclaimed: ({ seed, limit }) => store.listUnclaimed(providers.all, seed, limit),
    compareBalances: async () => {
      // Many at once may take too long; one that does by itself keeps the others waiting, and the count below from growing.
      const compared = await ledger.compareNextAccounts(COMPARED_AT_ONCE).catch(() => ledger.compareNextAccounts(1));
      count('reconciler_run');
      if (compared.differences > 0) count('ledger_difference', compared.differences);
      return compared;
    },
  };
}

const NOBODY_ARCHIVES = 'it is charged, and nobody archives its content';

/** Undefined where Temporal can't say: then nothing is done about that one. */
async function describeAll(
  { isRunning }: Pick<Generations, 'isRunning'>,
  held: readonly { readonly generationId: string }[],
): Promise<(boolean | undefined)[]> {
  const running: (boolean | undefined)[] = [];
  for (let from = 0; from < held.length; from += DESCRIBED_AT_ONCE) {
    const some = held.slice(from, from + DESCRIBED_AT_ONCE);
    const described = some.map(({ generationId }) => isRunning(generationId).catch(() => undefined));
    running.push(...(await Promise.all(described)));
  }
  return running;
}

/** What has to be done about a hold (MR-56); undefined: nothing, or Temporal can't say. */
function judge(hold: HeldGeneration, isRunning: boolean | undefined): Finding | undefined {
  const { overdueMs } = hold;
  if (isRunning === undefined || (isRunning && overdueMs < STUCK_AFTER_MS)) return undefined;
  if (isRunning)
    return { ...hold, action: 'settle', why: "its workflow is stuck: it runs ten minutes past the hold's end" };
  // The content of a claim is copied by its workflow, however late.
  if (overdueMs < 0 || hold.isClaim) return { ...hold, action: 'resume', why: 'its workflow does not run' };
  return { ...hold, action: 'settle', why: "its workflow does not run, and the hold's time is over" };
}

/** A video younger than this may belong to an attempt whose answer has not arrived yet. */
const ORPHAN_AFTER_MS = 10 * 60_000;
const ORPHANS_NAMED = 20;
/** In one run; a provider that invents videos doesn't fill the database. */
const ORPHANS_NOTED = 1000;

export function createReconcileProviderActivities(deps: ActivityDependencies): ReconcileProviderActivities {
  return {
    deleteUnclaimed: ({ generationId }) => withHeartbeats(() => deleteUnclaimed(deps, generationId)),
    findOrphans: () => withHeartbeats(() => findOrphans(deps)),
  };
}

async function deleteUnclaimed(deps: ActivityDependencies, generationId: string): Promise<boolean> {
  const { store, count } = deps;
  const video = await store.beginDeletion(generationId);
  if (video === undefined) return false;
  const provider = boundProvider(deps, video.provider);
  const deleted = await provider.deleteVideo(video.videoId);
  if (deleted.outcome === 'transient') {
    throw transient(`The video could not be deleted: ${deleted.why}.`, deleted.retryAfterMs, deleted.whose);
  }
  const providerKeeps = deleted.outcome === 'kept' ? deleted.why : null;
  count('provider_cost_lost_microcredits', await store.endDeletion(generationId, providerKeeps));
  return true;
}

/** Each provider by itself: one that can't be read doesn't keep the others' from being noted. */
async function findOrphans({ store, providers, observe }: ActivityDependencies): Promise<Orphans> {
  const found = await Promise.all(
    providers.all.map((provider) => findOrphansAt(provider, store).catch((error: unknown) => ({ error }))),
  );
  for (const each of found) if ('error' in each) throw each.error;
  const orphans = found.filter((each) => 'count' in each);
  const count = orphans.reduce((sum, each) => sum + each.count, 0);
  const sample = orphans.flatMap((each) => each.sample).slice(0, ORPHANS_NAMED);
  if (orphans.some((each) => each.counted)) observe('orphan_videos', count);
  return { count, sample };
}

/** `counted`: it has a list. */
async function findOrphansAt(
  provider: Provider,
  store: ActivityDependencies['store'],
): Promise<Orphans & { readonly counted: boolean }> {
  const now = Date.now();
  const listed: string[] = [];
  const sample: string[] = [];
  let count = 0;
  const end = await listRecent(provider, new Date(now), async (videos) => {
    const ids = videos.map(({ id }) => id);
    const owned = await store.findOwnedVideos(provider.identity, ids);
    const orphans = videos.filter(
      ({ id, createdAt }) => !owned.has(id) && (createdAt === null || now - createdAt.getTime() > ORPHAN_AFTER_MS),
    );
    count += orphans.length;
    sample.push(...orphans.slice(0, ORPHANS_NAMED - sample.length).map(({ id }) => id));
    const ownerless = ids.filter((id) => !owned.has(id));
    listed.push(...ownerless.slice(0, ORPHANS_NOTED - listed.length));
  });
  // What is here now is not what a later create made.
  if (listed.length > 0) await store.noteOwnerlessVideos(provider.identity, listed);
  if (end.read === 'cannot list') return { count: 0, sample: [], counted: false };
  if (end.read === 'in part')
    throw transient(`The videos of the provider ${provider.name} can't be counted: ${end.why}.`, null);
  return { count, sample, counted: true };
}
