import { Context } from '@temporalio/activity';
import type { SubmitOutcome, Look, ProviderActivities, TextActivities, VideoRef } from '../contracts/activities.ts';
import type { CreateResult } from '../provider/index.ts';
import { withHeartbeats } from './heartbeats.ts';
import { sizeAsSold } from './madeSize.ts';
import { Slots } from './slots.ts';
import type { ProviderDependencies } from './dependencies.ts';
import { cancelVideo, ended } from './cancelVideo.ts';
import { findVideo } from './findVideo.ts';
import { giveUpIfHalted, recordRefusal } from './provenRefusal.ts';
import { boundProvider, whoTellsOfEnds } from './boundProvider.ts';
import { notConfigured, transient } from './transient.ts';
import { noTurn } from './turns.ts';
import { type Looked, watchVideo } from './watchVideo.ts';
import { writeText } from './writeText.ts';

/** Everything that waits on the provider. Its answers are recorded before the workflow learns of them. */
export function createProviderActivities(deps: ProviderDependencies): ProviderActivities & TextActivities {
  const slots = new Slots(TEXTS_AT_ONCE, TEXTS_OF_ONE_TENANT);
  return {
    submitVideo: ({ generationId, leastTimeLeftMs }) =>
      withHeartbeats(
        () => submitVideo(deps, generationId, leastTimeLeftMs),
        (context) => made.get(context),
      ),
    findVideo: ({ generationId }) => withHeartbeats(() => findVideo(deps, generationId)),
    writeText: ({ leastTimeLeftMs, ...generation }) =>
      slots.run(generation.accountId, () =>
        withHeartbeats(() => writeText(deps, generation.generationId, leastTimeLeftMs)),
      ),
    retrieveVideo: (video) =>
      withHeartbeats(
        async () => (await lookAt(deps, video)).look,
        (context) => unanswered.get(context),
      ),
    watchVideo: (input) =>
      withHeartbeats(
        () => watchVideo(input, (video) => lookAt(deps, video)),
        (context) => unanswered.get(context),
      ),
    cancelVideo: ({ generationId }) =>
      withHeartbeats(
        () => cancelVideo(deps, generationId),
        (context) => ended.get(context),
      ),
  };
}

/** Limits within the queue's slots of a worker: texts that hang leave most slots to videos, and one tenant leaves some to others. */
const TEXTS_AT_ONCE = 150;
const TEXTS_OF_ONE_TENANT = 25;

/** Between the request and the create another provider was configured; ids of one mean nothing to another. */
const ORIGINAL_ELSEWHERE = {
  outcome: 'clients_fault',
  code: 'original_unavailable',
  message: 'The video that was to be remixed was made at a provider that is no longer used.',
} as const;

/** A video that was made but perhaps not recorded yet. Temporal keeps it between two tries of the activity. */
interface Made {
  readonly provider: string;
  readonly number: number;
  readonly providerVideoId: string;
  readonly createdAtMs: number | null;
}

const made = new WeakMap<Context, Made>();

async function submitVideo(
  deps: ProviderDependencies,
  generationId: string,
  leastTimeLeftMs: number,
): Promise<SubmitOutcome> {
  const context = Context.current();
  const unrecorded = context.info.heartbeatDetails as Made | undefined;
  if (unrecorded !== undefined) return recordMade(deps, generationId, unrecorded);

  const askedAtMs = performance.now();
  const begun = await deps.store.beginAttempt(generationId, deps.providers.all, leastTimeLeftMs);
  switch (begun.outcome) {
    case 'known':
      return created(deps, begun);
    case 'refused':
      return { outcome: 'refused', errorCode: begun.errorCode };
    case 'open':
      return { outcome: 'ambiguous', why: 'an earlier call may have arrived' };
    case 'conflict':
    case 'settled':
    case 'cancelled':
    case 'spent':
    case 'too_late':
      return { outcome: begun.outcome };
    case 'no_provider':
      throw notConfigured(null);
    case 'busy':
      throw noTurn(deps, begun);
    case 'begun':
      break;
  }

  const provider = boundProvider(deps, begun.provider);
  const halted = await giveUpIfHalted(deps, generationId, begun.number, askedAtMs);
  if (halted !== undefined) return halted;
  const { remixedFrom, remixedElsewhere, ...fields } = begun.request;
  if (remixedElsewhere) return recordRefusal(deps, generationId, begun.number, ORIGINAL_ELSEWHERE);
  const result = await provider.createVideo({
    ...fields,
    ...(remixedFrom === null ? {} : { remixedFrom }),
  });
  return recordCreate(deps, generationId, begun, result);
}

async function recordCreate(
  deps: ProviderDependencies,
  generationId: string,
  { number, provider }: Pick<Made, 'number' | 'provider'>,
  result: CreateResult,
): Promise<SubmitOutcome> {
  const { store, log } = deps;
  switch (result.outcome) {
    case 'created': {
      const { id, createdAt } = result.video;
      const context = Context.current();
      const video: Made = { provider, number, providerVideoId: id, createdAtMs: createdAt?.getTime() ?? null };
      // If the database is away, the next try of this activity reads the id from here and submits nothing.
      made.set(context, video);
      context.heartbeat(video);
      return recordMade(deps, generationId, video);
    }
    case 'ambiguous':
      log.warn(
        { generationId, attempt: number, why: result.why },
        'a create may have arrived; its video is searched for',
      );
      await store.noteAmbiguousAttempt(generationId, number, result.why);
      return { outcome: 'ambiguous', why: result.why };
    default:
      return recordRefusal(deps, generationId, number, result);
  }
}

async function recordMade(deps: ProviderDependencies, generationId: string, video: Made): Promise<SubmitOutcome> {
  const { number, providerVideoId, createdAtMs } = video;
  const providerCreatedAt = createdAtMs === null ? null : new Date(createdAtMs);
  const end = { outcome: 'created', providerVideoId, providerCreatedAt } as const;
  switch (await deps.store.endAttempt(generationId, number, end)) {
    case 'created':
      break;
    case 'conflict':
      deps.count('provider_id_conflict');
      return { outcome: 'conflict' };
    default:
      return { outcome: 'ambiguous', why: 'the attempt was closed before its answer was recorded' };
  }
  return created(deps, video);
}

async function created(
  deps: ProviderDependencies,
  made: Pick<Made, 'provider' | 'providerVideoId'>,
): Promise<SubmitOutcome> {
  const { provider, providerVideoId } = made;
  return { outcome: 'created', providerVideoId, toldBy: await whoTellsOfEnds(deps, provider) };
}

/** Tries since the last answer, in one activity, that the provider did not answer. Temporal keeps the count between tries. */
interface Unanswered {
  readonly tries: number;
  readonly sinceMs: number;
}

const unanswered = new WeakMap<Context, Unanswered>();

async function lookAt(deps: ProviderDependencies, { generationId, providerVideoId }: VideoRef): Promise<Looked> {
  const { store } = deps;
  const made = await store.getProviderVideo(generationId);
  const looked = (look: Look): Looked => ({ look, whoTells: () => whoTellsOfEnds(deps, made.provider) });
  // The provider has forgotten it. The try that was told so may have died before the workflow learned of it.
  if (made.cancelEnded) return looked({ verdict: 'ended' });
  const provider = boundProvider(deps, made.provider);
  const askedAtMs = Date.now();
  const answer = await provider.retrieveVideo(providerVideoId);
  if (answer.outcome === 'transient') {
    if (answer.whose !== 'ours') countUnanswered(askedAtMs);
    throw transient(`No verdict from the provider: ${answer.why}.`, answer.retryAfterMs, answer.whose);
  }
  await noteUnanswered(deps, generationId);
  const seen = { ...answer.video, size: sizeAsSold(made.size, answer.video.size) };
  const { verdict, differs, cancel } = await store.recordLook(generationId, answer.video.id, seen);
  if (differs) deps.count('made_otherwise');
  if (verdict === 'open') return looked({ verdict, cancelWanted: cancel === 'requested' && provider.can.cancel });
  return looked({ verdict: verdict === 'completed' && cancel === 'sent' ? 'to_archive' : verdict });
}

/** Only these count as "not reached": other tries may have failed by a fault of ours. */
function countUnanswered(askedAtMs: number): void {
  const context = Context.current();
  const earlier = context.info.heartbeatDetails as Unanswered | undefined;
  // One that was noted is over; this is another outage.
  const isFirst = earlier === undefined || earlier.tries === 0;
  keepUnanswered(isFirst ? { tries: 1, sinceMs: askedAtMs } : { ...earlier, tries: earlier.tries + 1 });
}

/** Recorded once, before the answer. A note that can't be written must not prevent the look. */
async function noteUnanswered({ store }: ProviderDependencies, generationId: string): Promise<void> {
  const earlier = Context.current().info.heartbeatDetails as Unanswered | undefined;
  if (earlier === undefined || earlier.tries === 0) return;
  const forMs = Math.max(0, Date.now() - earlier.sinceMs);
  await store.noteUnreachable(generationId, earlier.tries, forMs).then(
    () => keepUnanswered({ ...earlier, tries: 0 }),
    () => undefined,
  );
}

function keepUnanswered(counted: Unanswered): void {
  const context = Context.current();
  unanswered.set(context, counted);
  context.heartbeat(counted);
}
