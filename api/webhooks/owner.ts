import type { Context } from 'hono';
import { OPERATOR } from '../../contracts/webhooks.ts';
import { adminBearer, bearer } from '../http/contract.ts';
import type { Env } from '../http/deps.ts';

/** Whose webhook endpoints a set of routes is about. The two sets differ in nothing else. */
export interface EndpointOwner {
  readonly security: typeof bearer | typeof adminBearer;
  /** What names these routes' operations: createWebhookEndpoint, createOperatorWebhookEndpoint. */
  readonly operation: (verb: string, noun: string) => string;
  /** What an endpoint of this owner is told of. */
  readonly events: string;
  readonly of: (c: Context<Env>) => string;
}

/** Below `/v1`: the account of the API key. */
export const TENANT: EndpointOwner = {
  security: bearer,
  operation: (verb, noun) => `${verb}${noun}`,
  events: 'an event for each settlement',
  of: (c) => c.get('caller').accountId,
};

/** Below `/admin`: the operator, whose endpoints are told of every account. */
export const THE_OPERATOR: EndpointOwner = {
  security: adminBearer,
  operation: (verb, noun) => `${verb}Operator${noun}`,
  events: 'an event for each settlement of every account',
  of: () => OPERATOR,
};
