import { readWebhook } from '../../provider/index.ts';
import type { ApiDependencies, WebhookOutcome } from '../http/deps.ts';
import { ApiError, notFound } from '../http/errors.ts';

type Dependencies = Pick<ApiDependencies, 'store' | 'temporal' | 'provider' | 'webhookSecret' | 'countWebhook' | 'log'>;

/** Records an event of the provider. Raises `ApiError` when webhooks are not configured or the signature is wrong. */
export async function receiveEvent(deps: Dependencies, headers: Headers, body: string): Promise<void> {
  if (deps.webhookSecret === undefined)
    throw notFound('This route', 'It is enabled by the setting OPENAI_WEBHOOK_SECRET.');
  const outcome = await record(deps, deps.webhookSecret, headers, body);
  deps.countWebhook(outcome);
  if (outcome === 'unverified') {
    throw new ApiError('invalid_signature', 'The signature of this webhook does not verify.', {
      advice: 'Sign it with the secret that is set as OPENAI_WEBHOOK_SECRET.',
    });
  }
}

async function record(deps: Dependencies, secret: string, headers: Headers, body: string): Promise<WebhookOutcome> {
  const read = await readWebhook(secret, headers, body);
  if (read.outcome !== 'video') return read.outcome;
  const recorded = await deps.store.recordProviderEvent(deps.provider.name, read);
  if (recorded.outcome === 'nudge') await nudge(deps, recorded.generationId);
  return recorded.outcome;
}

/** A lost nudge costs time and never credits: the workflow polls anyway, and the reconciler starts one that does not run. */
async function nudge({ temporal, log }: Dependencies, generationId: string): Promise<void> {
  try {
    await temporal.generations.nudge(generationId);
  } catch (error) {
    log.warn({ err: error, generationId }, 'a workflow could not be told of a provider event; it polls anyway');
  }
}
