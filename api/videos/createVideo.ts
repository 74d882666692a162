import type { Context } from 'hono';
import type { Caller } from '../../store/index.ts';
import { inadmissible } from '../generations/refusals.ts';
import type { Order } from '../generations/order.ts';
import { videoProviders } from '../generations/providerNames.ts';
import { quote, type Quote } from '../generations/quote.ts';
import { refusedField } from '../generations/refusedField.ts';
import type { ApiDependencies, Env } from '../http/deps.ts';
import { fingerprintOf, hashOfFile } from '../http/fingerprint.ts';
import { asTexts } from './parameters.ts';
import { newVideo, sendStarted } from './startVideo.ts';
import type { VideoRequest } from './videoRequest.ts';

export async function createVideo(deps: ApiDependencies, c: Context<Env>, request: VideoRequest, isDryRun: boolean) {
  const caller = c.get('caller');
  if (isDryRun) return c.json(await quoteVideo(deps, caller, request), 200);
  return sendStarted(deps, c, orderVideo(deps, caller, request));
}

function orderVideo(deps: ApiDependencies, caller: Caller, request: VideoRequest): Order {
  const { model, prompt, maxMicrocredits, images, labels, parameters } = request;
  // What is left out is this where it is sold, and where it is not, nobody is sold it by asking for it.
  const { seconds, size } = { seconds: request.seconds ?? 4, size: request.size ?? '720x1280' };
  const reference = images.find(({ role }) => role === 'input_reference') ?? null;
  const lists = images.filter((image) => image !== reference);
  const asked = {
    ...{ model, seconds, size, prompt, max: maxMicrocredits, input_reference: hashOfFile(reference) },
    ...(lists.length > 0 && { images: lists.map((image) => ({ role: image.role, ...hashOfFile(image) })) }),
    ...(Object.keys(parameters).length > 0 && { parameters: asTexts(parameters) }),
    ...labels,
  };
  return {
    ...newVideo(deps, caller),
    maxMicrocredits,
    fingerprint: fingerprintOf('/v1/videos', asked),
    fieldNames: request.names,
    admit: (admission) => deps.ledger.admitGeneration({ ...admission, ...request, ...videoProviders(deps) }),
  };
}

/** Quotes a new video or a remix. Raises what a create would raise for what is not sold. */
export async function quoteVideo(deps: ApiDependencies, caller: Caller, request: VideoRequest): Promise<Quote> {
  const { accountId } = caller;
  const priced = await deps.ledger.quoteVideo({ ...request, accountId, ...videoProviders(deps) });
  if (priced.outcome === 'refused') throw refusedField(priced.refused, request.names);
  if (priced.outcome !== 'priced') throw inadmissible(priced.outcome, request.names);
  return quote(deps, caller, 'video', priced.amountMicrocredits, request.maxMicrocredits, priced);
}
