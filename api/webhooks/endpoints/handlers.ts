import { randomBytes } from 'node:crypto';
import type { Context } from 'hono';
import { v7 as uuidv7 } from 'uuid';
import { webhookEndpointId } from '../../../contracts/ids.ts';
import { OPERATOR } from '../../../contracts/webhooks.ts';
import { faultOfWebhookUrl, mayBePrivate } from '../../../outbound/index.ts';
import type { ApiDependencies, Env } from '../../http/deps.ts';
import { ApiError, invalid, notFound } from '../../http/errors.ts';
import { toList } from '../../http/listing.ts';
import type { Inside, OnceDependencies } from '../../http/once.ts';
import { answerOnce } from '../../http/once.ts';
import { unixSeconds } from '../../http/schemas.ts';
import type { Endpoint, EndpointCreated, EndpointDeleted, NewEndpoint, SecretRotated } from './objects.ts';
import { toEndpoint } from './objects.ts';

type Dependencies = Pick<ApiDependencies, 'store'>;

export function createEndpoint(
  deps: OnceDependencies & Pick<ApiDependencies, 'webhooksPrivateFor'>,
  c: Context<Env>,
  owner: string,
  body: NewEndpoint,
): Promise<EndpointCreated> {
  const create = async ({ store }: Inside) => {
    const fault = faultOfWebhookUrl(body.url, mayBePrivate(owner, deps.webhooksPrivateFor));
    if (fault !== undefined) throw invalid('url', fault);
    const id = webhookEndpointId(uuidv7());
    const secret = newSecret();
    const endpoint = { owner, id, url: body.url, events: [...new Set(body.events)], secret };
    const { outcome } = await store.createWebhookEndpoint(endpoint);
    if (outcome === 'too_many') throw tooMany(owner);
    return { ...(await getEndpoint({ store }, owner, id)), secret };
  };
  return answerOnce<EndpointCreated>(deps, c, body, create, 'secret');
}

export async function listEndpoints({ store }: Dependencies, owner: string) {
  const endpoints = await store.listWebhookEndpoints(owner);
  return toList(endpoints.map(toEndpoint), false);
}

export async function getEndpoint({ store }: Dependencies, owner: string, id: string): Promise<Endpoint> {
  const endpoint = await store.getWebhookEndpoint(owner, id);
  if (endpoint === undefined) throw unknownEndpoint();
  return toEndpoint(endpoint);
}

export async function deleteEndpoint({ store }: Dependencies, owner: string, id: string): Promise<EndpointDeleted> {
  const isDeleted = await store.deleteWebhookEndpoint(owner, id);
  if (!isDeleted) throw unknownEndpoint();
  return { id, object: 'webhook_endpoint.deleted', deleted: true };
}

export function rotateSecret(
  deps: OnceDependencies,
  c: Context<Env>,
  owner: string,
  id: string,
): Promise<SecretRotated> {
  const rotate = async ({ store }: Inside) => {
    const secret = newSecret();
    const validUntil = await store.rotateWebhookSecret(owner, id, secret);
    if (validUntil === undefined) throw unknownEndpoint();
    const object = 'webhook_endpoint.secret' as const;
    return { id, object, secret, previous_secret_valid_until: unixSeconds(validUntil) };
  };
  return answerOnce<SecretRotated>(deps, c, {}, rotate, 'secret');
}

export async function enableEndpoint(deps: Dependencies, owner: string, id: string): Promise<Endpoint> {
  await deps.store.enableWebhookEndpoint(owner, id);
  return getEndpoint(deps, owner, id);
}

/** 256 random bits, in the format of Standard Webhooks. */
function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

export function unknownEndpoint(): ApiError {
  return notFound('This webhook endpoint');
}

function tooMany(owner: string): ApiError {
  const who = owner === OPERATOR ? 'The operator' : 'This account';
  return new ApiError('invalid_request', `${who} has ten webhook endpoints already, and may not have more.`, {
    advice: 'Delete one of them first.',
  });
}
