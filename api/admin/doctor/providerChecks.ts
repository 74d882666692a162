import type { Debts } from '../../../store/index.ts';
import { NoTurn } from '../../../provider/index.ts';
import type { ApiDependencies, ApiProvider } from '../../http/deps.ts';
import { type Finding, ill, well } from './finding.ts';

/**
 * The doctor's checks of the provider. What it answers to a list shows whether it is there and takes our key; what it answered to
 * the workers' attempts shows whether it takes our orders. The doctor makes no attempt of its own: it would cost money.
 */

/** Leaves a part of the doctor's three seconds for the answer about it. */
const ANSWERS_WITHIN_MS = 2500;
const SLOW_MS = 1000;

const CREDITS_WAIT =
  'Videos and texts that are not made yet keep their credits reserved and are tried again; those whose time ends before are refunded.';
const WITHDRAW =
  'Until then, withdraw the offers of its models, so that nobody waits in vain (POST /admin/offers {"model":"…","for_sale":false}; POST /admin/sales would close the sales of every provider); what is in progress goes on.';

/** Whether the provider answers a list, and if not why; its URL is shown, for it never carries a credential. */
export async function checkProvider(
  provider: Pick<ApiProvider, 'name' | 'baseUrl' | 'listVideos' | 'askModels'>,
): Promise<Finding> {
  const where = `The provider ${provider.name} at ${provider.baseUrl}`;
  const beganMs = performance.now();
  const answer = await withinMs(ANSWERS_WITHIN_MS, provider.listVideos({ limit: 1 }).catch(noTurn));
  const tookMs = Math.ceil(performance.now() - beganMs);
  if (answer === undefined) return away(`${where} gives no answer within ${ANSWERS_WITHIN_MS / 1000} s.`);
  if (answer instanceof NoTurn) {
    return well(
      `${where} was not asked: it gets as many requests a minute as it may (requests_per_minute), and ${answer.waiting} calls wait. Videos end later for it, and no credits are lost by it.`,
    );
  }
  if (answer.outcome === 'listed') {
    const taken = `It is read as ${answer.dialect}; ${answer.isComplete ? 'what its list does not show was not made' : 'its list may not show every video'}.`;
    if (tookMs < SLOW_MS) return well(`${where} answers in ${tookMs} ms. ${taken}`);
    return well(
      `${where} is slow: it took ${(tookMs / 1000).toFixed(1)} s to answer. Videos end later for it, and no credits are lost by it. ${taken}`,
    );
  }
  if (answer.outcome === 'no_list') {
    if (await hasNothing(provider, answer.why, ANSWERS_WITHIN_MS - tookMs)) {
      return ill(
        `${where} has neither videos nor models there (HTTP 404): every attempt would be refused. ${CREDITS_WAIT} Its base URL usually ends with /v1: correct it, and restart the API and the workers.`,
      );
    }
    return well(
      `${where} answers, but lists no videos (${answer.why}): an attempt whose answer is lost waits for the end of its hold.`,
    );
  }
  const { status, debt, why } = answer;
  if (debt === 'key') {
    return ill(
      `${where} refuses our key (${why}). ${CREDITS_WAIT} Videos in progress can’t be looked at either. Set its key (OPENAI_API_KEY, or what its api_key_env or api_key_file names in PROVIDERS_FILE) to one that is valid and has the rights, and restart the API and the workers. ${WITHDRAW}`,
    );
  }
  if (debt === 'bill')
    return ill(`${where} refuses us over a bill, a quota or a limit (${why}). ${CREDITS_WAIT} ${payIt}`);
  if (status === null || status >= 500) return away(`${where} is away (${why}).`);
  return ill(
    `${where} does not answer as it should (${why}). ${CREDITS_WAIT} Does its base URL name a server that speaks OpenAI's Videos API?`,
  );
}

function noTurn(error: unknown): NoTurn {
  if (error instanceof NoTurn) return error;
  throw error;
}

/** Whether there is nothing at all below the base URL: neither videos, of which `why` tells, nor models. */
async function hasNothing(
  { askModels }: Pick<ApiProvider, 'askModels'>,
  why: string,
  limitMs: number,
): Promise<boolean> {
  if (!why.startsWith('HTTP 404')) return false;
  const models = await withinMs(limitMs, askModels());
  return models?.outcome === 'transient' && models.status === 404;
}

/** Whether nothing new is begun at a provider, because it does not answer the probes of the workers. */
export async function checkOutages({ store }: Pick<ApiDependencies, 'store'>): Promise<Finding> {
  const down = (await store.listProbed()).filter(({ isDown }) => isDown);
  if (down.length === 0) return well('No provider is down by the workers’ probes: new requests are taken for all.');
  const told = down.map(
    ({ provider, failingSince, why }) =>
      `${provider} since ${failingSince?.toISOString() ?? 'a while'} (${why ?? 'no reason'})`,
  );
  return ill(
    `By the workers’ probes these are down: ${told.join(', ')}. New requests for their models are 503, and nothing is held for them; what is in progress goes on. They are taken again by themselves once a probe is answered.`,
  );
}

/** A sweep's lease is over for longer than a worker that died is missed. */
const SILENT_AFTER_MS = 60_000;

/** Whether the lists that are to be swept are: without that, videos are found by looking, and later. */
export async function checkSweeps({
  store,
  providers,
}: Pick<ApiDependencies, 'store' | 'providers'>): Promise<Finding> {
  const swept = providers.all.filter(({ sweepIntervalMs }) => sweepIntervalMs !== null).map(({ identity }) => identity);
  if (swept.length === 0) return well('No list is swept: videos are found by webhooks and by looking.');
  const begun = (await store.listSweeps()).filter(({ provider }) => swept.includes(provider));
  const silent = begun.filter(({ silentMs }) => silentMs > SILENT_AFTER_MS).map(({ provider }) => provider);
  if (silent.length > 0)
    return ill(
      `Nobody sweeps the list of ${silent.join(', ')}: ends of videos are found later, by looking, and no credits are lost by it. Workers start the workflow sweep_… of a provider again by themselves: do they run, and what does its activity in Temporal Web fail with?`,
    );
  const telling = begun.filter(({ tells }) => tells).map(({ provider }) => provider);
  if (telling.length === swept.length) return well('The lists are swept, and show what is open.');
  const others = swept.filter((provider) => !telling.includes(provider));
  return well(
    `Swept, but not known to show what is open, so that videos there are looked at as often as without a sweep: ${others.join(', ')}.`,
  );
}

/** Whether anything is open at a provider that the settings don't name any more: nobody can look at it. */
export async function checkRemoved({
  store,
  providers,
}: Pick<ApiDependencies, 'store' | 'providers'>): Promise<Finding> {
  const open = await store.countAtOthers(providers.all);
  if (open.length === 0) return well('No hold waits for a provider that is not configured.');
  const counted = open.map(({ provider, generations }) => `${generations} at ${provider}`).join(', ');
  return ill(
    `Holds that wait for providers that are not configured: ${counted}. Their credits stay reserved, because nobody can look. Configure the provider again under its name, with previous_urls if it moved (docs/providers.md); if it is gone for good, release them by release_expired_holds (docs/operating.md).`,
  );
}

const MODELS_NAMED = 5;

/** Whether a model is for sale whose provider the settings don't name: nobody can order it, and nothing else says so. */
export async function checkOffers({
  ledger,
  providers,
}: Pick<ApiDependencies, 'ledger' | 'providers'>): Promise<Finding> {
  const found = await ledger.listUnprovided(providers.all.map(({ name }) => name));
  if (found.length === 0) return well('Every model that is for sale has a provider that is configured.');
  const named = found.slice(0, MODELS_NAMED).map(({ model, provider }) => `${model} (${provider})`);
  const more = found.length - named.length;
  return ill(
    `For sale, but their providers are not configured: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}. They are not listed, requests for them are 503, and nothing is held. Configure the provider under this name (PROVIDERS_FILE, docs/providers.md) and restart the API and the workers, or correct or withdraw the offer (docs/prices.md).`,
  );
}

const payIt = `Pay its bill, or raise the quota or the limit: attempts succeed again by themselves. ${WITHDRAW}`;

function away(what: string): Finding {
  return ill(
    `${what} ${CREDITS_WAIT} What it completes meanwhile is charged once it is seen, or refunded at its hold’s end. Look at its status page, at this network, and whether its base URL names it. New requests are refused once the workers’ probes find it down too (provider outages).`,
  );
}

/** Undefined when it takes longer. */
async function withinMs<Answer>(limitMs: number, asked: Promise<Answer>): Promise<Answer | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), limitMs);
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Workers try again within a minute: after this long without a refusal, there is nothing that is still refused. */
const RECENT_MS = 10 * 60_000;

/**
 * Whether a provider refuses attempts over our key, its rights, a quota or a bill. It may do so while its lists answer: they cost nothing. An attempt
 * that it took since shows that it does not any more.
 */
export async function checkDebts({ store }: Pick<ApiDependencies, 'store'>): Promise<Finding> {
  const debts = await store.readDebts();
  if (debts.length === 0)
    return well('In the last hour, no attempt was refused by a provider over our key, its rights, a quota or a bill.');
  const found = debts.map(inWords).join(' ');
  if (!debts.some(isOwed)) return well(found);
  return ill(
    `${found} It may answer lists all the same. ${CREDITS_WAIT} Look at the key and its rights, the quota and the bill: attempts succeed again by themselves. ${WITHDRAW}`,
  );
}

const isOwed = ({ takenSince, agoMs }: Debts) => !takenSince && agoMs <= RECENT_MS;

function inWords(debts: Debts): string {
  const found = `In the last hour, ${counted(debts.refused)} refused by ${nameOf(debts.provider)} over our key, its rights, a quota or a bill: the last one, of ${debts.generationId}, ${minutesAgo(debts)}${quoted(debts)}.`;
  if (debts.takenSince) return `${found} It has taken one since.`;
  return isOwed(debts) ? found : `${found} None since; the next attempt shows whether it takes them again.`;
}

const nameOf = (identity: string) => identity.split('@', 1)[0] ?? identity;

function counted(refused: number): string {
  if (refused === 1) return 'one attempt was';
  return refused > 1000 ? 'more than 1000 attempts were' : `${refused} attempts were`;
}

function minutesAgo({ agoMs }: Debts): string {
  return agoMs < 120_000 ? `${Math.round(agoMs / 1000)} s ago` : `${Math.round(agoMs / 60_000)} min ago`;
}

function quoted({ messages }: Debts): string {
  return messages.length === 0 ? '' : ` (${messages.map((message) => `“${message.slice(0, 200)}”`).join(', ')})`;
}
