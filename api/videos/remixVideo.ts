import type { Context } from 'hono';
import type { Caller, Generation } from '../../store/index.ts';
import type { Order } from '../generations/order.ts';
import { toLabels } from '../generations/labels.ts';
import { videoProviders } from '../generations/providerNames.ts';
import { toMaximum } from '../generations/payingRequest.ts';
import type { ApiDependencies, Env } from '../http/deps.ts';
import { ApiError, invalid } from '../http/errors.ts';
import { fingerprintOf } from '../http/fingerprint.ts';
import { quoteVideo } from './createVideo.ts';
import { findOwnedVideo } from './ownedVideo.ts';
import { newVideo, sendStarted } from './startVideo.ts';
import { readRemix, type RemixRequest } from './videoRequest.ts';

export async function remixVideo(
  deps: ApiDependencies,
  c: Context<Env>,
  originalId: string,
  asked: RemixRequest,
  isDryRun: boolean,
) {
  const caller = c.get('caller');
  const findOriginal = () => findRemixable(deps, caller, originalId);
  if (isDryRun) return c.json(await quoteVideo(deps, caller, readRemix(asked, await findOriginal())), 200);
  return sendStarted(deps, c, orderRemix(deps, caller, originalId, asked, findOriginal));
}

/** `findOriginal` is called only when this is not a repeat: the original may have been deleted since the first request. */
function orderRemix(
  deps: ApiDependencies,
  caller: Caller,
  originalId: string,
  asked: RemixRequest,
  findOriginal: () => Promise<Generation>,
): Order {
  const maxMicrocredits = toMaximum(asked.max_credits);
  return {
    ...newVideo(deps, caller),
    maxMicrocredits,
    fingerprint: fingerprintOf(`/v1/videos/${originalId}/remix`, {
      ...{ prompt: asked.prompt, max: maxMicrocredits },
      ...toLabels(asked),
    }),
    admit: async (admission) => {
      const request = readRemix(asked, await findOriginal());
      return deps.ledger.admitGeneration({ ...admission, ...request, ...videoProviders(deps) });
    },
  };
}

async function findRemixable(deps: ApiDependencies, caller: Caller, videoId: string): Promise<Generation> {
  const original = await findOwnedVideo(deps, caller, videoId);
  if (original.state === 'held') throw notFinished();
  if (original.provider !== null && deps.providers.bound(original.provider) === undefined) throw madeElsewhere();
  return original;
}

function notFinished(): ApiError {
  return new ApiError('video_not_ready', 'This video is not finished yet, so it can’t be remixed.', {
    advice: 'Retrieve it until its status is completed.',
  });
}

function madeElsewhere(): ApiError {
  return invalid(
    'video_id',
    'is of a video that was made at a provider that is no longer used, so it can’t be remixed',
  );
}
