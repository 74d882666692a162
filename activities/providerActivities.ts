import { Context } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { CreateOutcome, Look, ProviderActivities } from '../contracts/activities.ts';
import type { Ledger } from '../ledger/index.ts';
import { LedgerError } from '../ledger/index.ts';
import type { Provider, ProviderVideo } from '../provider/index.ts';

interface Dependencies {
  readonly ledger: Ledger;
  readonly provider: Provider;
  /** Whether the provider was set up to send webhooks. */
  readonly providerEventsExpected: boolean;
}

/** Everything that waits on the provider. What it said is recorded in the ledger before the workflow hears of it. */
export function createProviderActivities(deps: Dependencies): ProviderActivities {
  return {
    createVideo: async ({ generationId }) => createVideo(deps, generationId),
    retrieveVideo: async ({ generationId, providerVideoId }) => retrieveVideo(deps, generationId, providerVideoId),
  };
}

/** A made video whose record may not have been written yet; kept by Temporal between two tries of the activity. */
interface Made {
  readonly number: number;
  readonly providerVideoId: string;
  readonly createdAtMs: number | null;
}

async function createVideo(deps: Dependencies, generationId: string): Promise<CreateOutcome> {
  const context = Context.current();
  const unrecorded = context.info.heartbeatDetails as Made | undefined;
  if (unrecorded !== undefined) return recordMade(deps, generationId, unrecorded);

  const begun = await deps.ledger.beginCreate(generationId, deps.provider);
  switch (begun.outcome) {
    case 'known':
      return created(deps, begun.providerVideoId);
    case 'refused':
      return { outcome: 'refused', errorCode: begun.errorCode };
    case 'open':
      return { outcome: 'ambiguous', why: 'an earlier call may have arrived' };
    case 'settled':
      return { outcome: 'settled' };
    case 'begun':
      break;
  }

  const { number, request } = begun;
  const { inputReference, ...fields } = request;
  const made = await deps.provider.createVideo(inputReference === null ? fields : { ...fields, inputReference });
  switch (made.outcome) {
    case 'created': {
      const { id, createdAt } = made.video;
      const video: Made = { number, providerVideoId: id, createdAtMs: createdAt?.getTime() ?? null };
      // If the database is away right now, the next try of this activity reads the id from here and creates nothing.
      context.heartbeat(video);
      return recordMade(deps, generationId, video);
    }
    case 'clients_fault':
      await deps.ledger.endCreate(generationId, number, { outcome: 'refused', code: made.code, message: made.message });
      return { outcome: 'refused', errorCode: made.code };
    case 'operators_fault':
    case 'not_sent':
    case 'not_made':
      await deps.ledger.endCreate(generationId, number, { outcome: 'not_made', code: made.outcome, message: made.why });
      return { outcome: 'not_made', why: made.why, retryAfterMs: made.retryAfterMs };
    case 'ambiguous':
      await deps.ledger.noteAmbiguousCreate(generationId, number, made.why);
      return { outcome: 'ambiguous', why: made.why };
  }
}

async function recordMade(deps: Dependencies, generationId: string, made: Made): Promise<CreateOutcome> {
  const { number, providerVideoId, createdAtMs } = made;
  const providerCreatedAt = createdAtMs === null ? null : new Date(createdAtMs);
  try {
    await deps.ledger.endCreate(generationId, number, { outcome: 'created', providerVideoId, providerCreatedAt });
  } catch (error) {
    // A provider that hands out one id twice: whose video it is can't be known, so nobody is charged for it twice.
    if (error instanceof LedgerError && error.code === 'video_taken') {
      return { outcome: 'ambiguous', why: "the provider answered with another generation's video" };
    }
    throw error;
  }
  return created(deps, providerVideoId);
}

function created({ providerEventsExpected }: Dependencies, providerVideoId: string): CreateOutcome {
  return { outcome: 'created', providerVideoId, providerEventsExpected };
}

async function retrieveVideo(deps: Dependencies, generationId: string, providerVideoId: string): Promise<Look> {
  const { provider, ledger } = deps;
  const boundTo = await ledger.getProviderBaseUrl(generationId);
  if (boundTo !== provider.baseUrl) {
    throw transient('The video is at another provider than the one that is configured now (OPENAI_BASE_URL).', null);
  }
  const answer = await provider.retrieveVideo(providerVideoId);
  if (answer.outcome === 'transient')
    throw transient(`No verdict from the provider: ${answer.why}.`, answer.retryAfterMs);
  const recorded = await ledger.recordLook(generationId, providerVideoId, answer.video);
  return toLook(recorded.verdict, answer.video);
}

function toLook(verdict: ProviderVideo['verdict'], video: ProviderVideo): Look {
  switch (verdict) {
    case 'completed':
    case 'failed':
      return { verdict };
    case 'open':
      return { verdict, status: video.status, progress: video.progress };
  }
}

/** Temporal tries again without an event in the history; benign, so an outage of the provider is no alarm of ours. */
function transient(message: string, retryAfterMs: number | null): ApplicationFailure {
  return ApplicationFailure.create({
    message,
    type: 'ProviderTransient',
    category: ApplicationFailureCategory.BENIGN,
    ...(retryAfterMs === null ? {} : { nextRetryDelay: retryAfterMs }),
  });
}
