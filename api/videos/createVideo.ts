import type { Context } from 'hono';
import type { Caller } from '../../store/index.ts';
import { inadmissible } from '../generations/refusals.ts';
import type { Order } from '../generations/order.ts';
import { quote, type Quote } from '../generations/quote.ts';
import type { ApiDependencies, Env } from '../http/deps.ts';
import { fingerprintOf, hashOfFile } from '../http/fingerprint.ts';
import { newVideo, sendStarted } from './startVideo.ts';
import type { VideoRequest } from './videoRequest.ts';

export async function createVideo(deps: ApiDependencies, c: Context<Env>, request: VideoRequest, isDryRun: boolean) {
  const caller = c.get('caller');
  if (isDryRun) return c.json(await quoteVideo(deps, caller, request), 200);
  return sendStarted(deps, c, orderVideo(deps, caller, request));
}

function orderVideo(deps: ApiDependencies, caller: Caller, request: VideoRequest): Order {
  const { model, seconds, size, prompt, maxMicrocredits, inputReference, labels } = request;
  const asked = {
    ...{ model, seconds, size, prompt, max: maxMicrocredits, input_reference: hashOfFile(inputReference) },
    ...labels,
  };
  return {
    ...newVideo(deps, caller),
    maxMicrocredits,
    fingerprint: fingerprintOf('/v1/videos', asked),
    admit: (admission) => deps.ledger.admitGeneration({ ...admission, ...request }),
  };
}

/** Quotes a new video or a remix. Raises `invalid_request` for a model or size that is not offered. */
export async function quoteVideo(deps: ApiDependencies, caller: Caller, request: VideoRequest): Promise<Quote> {
  const prices = await deps.ledger.listPrices([request.seconds]);
  const ofModel = prices.filter(({ model }) => model === request.model);
  const price = ofModel.find(({ size }) => size === request.size);
  if (price === undefined) throw inadmissible(ofModel.length === 0 ? 'unknown_model' : 'unknown_size');
  return quote(deps, caller, 'video', price.amountMicrocredits, request.maxMicrocredits);
}
