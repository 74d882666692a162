import type { ApiDependencies, ApiProvider, WebhookOutcome } from '../http/deps.ts';
import { ApiError, notFound } from '../http/errors.ts';

type Dependencies = Pick<ApiDependencies, 'store' | 'temporal' | 'providers' | 'countWebhook' | 'log'>;

interface Sender {
  readonly name: string;
  readonly identity: string;
  readonly read: NonNullable<ApiProvider['readWebhook']>;
}

/** The provider that sends webhooks under this name. Raises `not_found` when there is none, or its secret is not set. */
export function requireSender({ providers }: Pick<ApiDependencies, 'providers'>, called: string): Sender {
  const { name = '', identity = '', readWebhook: read = null } = providers.named(called) ?? {};
  if (read !== null) return { name, identity, read };
  throw notFound(
    'This route',
    'It is enabled by the secret of that provider’s webhooks: OPENAI_WEBHOOK_SECRET, or in PROVIDERS_FILE.',
  );
}

/** Records an event of a provider. Raises `ApiError` when its webhooks are not configured or the signature is wrong. */
export async function receiveEvent(deps: Dependencies, called: string, headers: Headers, body: string): Promise<void> {
  const sender = requireSender(deps, called);
  const outcome = await record(deps, sender, headers, body);
  deps.countWebhook(sender.name, outcome);
  if (outcome === 'unverified') {
    throw new ApiError('invalid_signature', 'The signature of this webhook does not verify.', {
      advice: 'Sign it with the secret that is set for this provider: OPENAI_WEBHOOK_SECRET, or in PROVIDERS_FILE.',
    });
  }
}

async function record(
  deps: Dependencies,
  { identity, read }: Sender,
  headers: Headers,
  body: string,
): Promise<WebhookOutcome> {
  const event = await read(headers, body);
  if (event.outcome !== 'video') return event.outcome;
  const recorded = await deps.store.recordProviderEvent(identity, event);
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
