import { noAdminKey, noApiKey } from './auth.ts';
import {
  ApiError,
  bodyTooLarge,
  bodyTooSlow,
  envelopeOf,
  fileTooLarge,
  headersTooLarge,
  internalError,
  invalid,
  malformed,
  maybeDone,
  notFound,
  unavailable,
  unsupportedMediaType,
} from './errors.ts';
import { keyReused } from './idempotencyKey.ts';
import { tooFast } from './rateLimit.ts';
import { kindOfRequest } from './requestKind.ts';
import { lacksScope, scopeOf } from './scopes.ts';

/** The errors that the OpenAPI document shows as examples: of each status, one that the very operation can answer with. */

/** What is known of an operation. `path` is a template. */
export interface Described {
  readonly method: string;
  readonly path: string;
  readonly hasJsonBody: boolean;
  readonly isList: boolean;
}

/** The body of an answer with this status; undefined for a status that no error has. */
export function errorExampleOf(operation: Described, status: number) {
  const error = EXAMPLES[status]?.(operation);
  const method = operation.method.toUpperCase();
  return error === undefined ? undefined : envelopeOf(error, kindOfRequest(method, operation.path));
}

const KILOBYTE = 1024;
const isAdmin = ({ path }: Described) => path.startsWith('/admin/');
const takesForm = ({ path }: Described) => /^\/v1\/videos(\/[^/]+\/remix)?$/.test(path);
const isPaying = ({ method, path }: Described) => kindOfRequest(method.toUpperCase(), path) === 'paying';
/** What a paying request makes. */
const madeBy = ({ path }: Described) => /^\/v1\/(video|script|thread)/.exec(path)?.[1] ?? '';

const EXAMPLES: Readonly<Record<number, (operation: Described) => ApiError>> = {
  400: badRequest,
  401: ({ path }) => {
    if (path.startsWith('/v1/')) return noApiKey('This API key is unknown.');
    if (path.startsWith('/admin/')) return noAdminKey('This is not the admin key.');
    return new ApiError('invalid_signature', 'The signature of this webhook does not verify.', {
      advice: 'Sign it with the secret that is set as OPENAI_WEBHOOK_SECRET.',
    });
  },
  402: unpaid,
  403: ({ method, path }) => lacksScope(scopeOf(method, path) ?? ''),
  404: missing,
  408: bodyTooSlow,
  409: conflict,
  413: (operation) => {
    if (operation.path === '/v1/videos') return fileTooLarge('input_reference');
    return bodyTooLarge(operation.path.startsWith('/v1/') ? KILOBYTE * KILOBYTE : 64 * KILOBYTE);
  },
  415: (operation) =>
    unsupportedMediaType(takesForm(operation) ? 'multipart/form-data or application/json' : 'application/json'),
  422: keyReused,
  429: (operation) => {
    if (!isPaying(operation)) return tooFast(600, 12_000);
    return new ApiError(
      'too_many_active_generations',
      'This account may have 10 generations in progress at once, and has them.',
      { advice: 'Try again when one of them has ended.' },
    );
  },
  431: () => headersTooLarge(16 * KILOBYTE),
  500: () => internalError('019a0000-0000-7000-8000-000000000000'),
  503: ({ method, path }) => (kindOfRequest(method.toUpperCase(), path) === 'changing' ? maybeDone() : unavailable()),
};

function badRequest(operation: Described): ApiError {
  const { path, hasJsonBody, isList } = operation;
  if (path === '/v1/videos' && hasJsonBody) {
    const advice = 'GET /v1/models lists what is sold of each model.';
    return invalid('seconds', 'must be one of "4", "8", "12", "16" or "20", as text', advice);
  }
  if (path.endsWith('/content')) return invalid('variant', 'must be one of "video", "thumbnail" or "spritesheet"');
  if (hasJsonBody) return malformed('JSON');
  const exceptAsCsv = path.endsWith('/transactions') ? ', except as CSV' : '';
  return isList
    ? invalid('limit', `must be at most 100${exceptAsCsv}`)
    : invalid('unknown', 'is not a known query parameter');
}

function unpaid(operation: Described): ApiError {
  if (isAdmin(operation)) {
    return new ApiError('insufficient_credits', 'This account has no available credits to claw back.');
  }
  if (!isPaying(operation)) {
    return new ApiError(
      'not_charged',
      'This video failed and was never charged, so there is no content. Credits have been refunded to your account.',
    );
  }
  const made = madeBy(operation);
  return new ApiError(
    'insufficient_credits',
    `This ${made} costs ${made === 'video' ? '' : 'up to '}0.571429 credits; 0.300000 are available (1.144488 more are reserved for 2 videos and 1 script in progress).`,
    { advice: 'Ask the operator of this service for more credits.' },
  );
}

const NAMED_BY: Readonly<Record<string, string>> = {
  video_id: 'This video',
  script_id: 'This script',
  thread_id: 'This thread',
  text_id: 'This text',
  generation_id: 'This generation',
  model: 'This model',
  endpoint_id: 'This webhook endpoint',
  delivery_id: 'This delivery',
  account_id: 'This account',
  key_id: 'This key',
};

function missing(operation: Described): ApiError {
  const { path } = operation;
  const variable = [...path.matchAll(/\{(\w+)\}/g)].at(-1)?.[1];
  if (variable !== undefined) return notFound(NAMED_BY[variable] ?? 'This');
  if (isAdmin(operation)) return notFound('The admin API', 'It is enabled by the setting ADMIN_KEY.');
  if (!isPaying(operation)) {
    return notFound(
      'This route',
      'It is enabled by the secret of that provider’s webhooks: OPENAI_WEBHOOK_SECRET, or in PROVIDERS_FILE.',
    );
  }
  return new ApiError('not_found', `The ${madeBy(operation)} that this Idempotency-Key made was deleted.`, {
    effect: 'nothing_more',
  });
}

function conflict(operation: Described): ApiError {
  const { method, path } = operation;
  if (path.endsWith('/claim')) {
    return new ApiError(
      'not_claimable',
      'This video can’t be claimed: only one that the provider completed after its credits were refunded can be, and only for a day.',
    );
  }
  if (isPaying(operation)) {
    return new ApiError(
      'idempotency_key_in_use',
      'The first request with this Idempotency-Key is still being decided, which takes up to 20 s.',
      { effect: 'nothing_more', advice: 'Try again in a second, with the same key.' },
    );
  }
  if (path.endsWith('/cancel')) {
    return new ApiError('already_settled', 'This video has completed and was charged; there is nothing to cancel.');
  }
  if (method === 'delete' && path.startsWith('/v1/videos/')) {
    return new ApiError(
      'video_not_terminal',
      'This video is not finished, so it can’t be deleted; its credits stay reserved until it ends.',
    );
  }
  if (method === 'delete') {
    const kind = madeBy(operation);
    return new ApiError(
      'text_not_terminal',
      `This ${kind} is still being written, so it can’t be deleted; its credits stay reserved until it ends.`,
    );
  }
  if (path.endsWith('/refund'))
    return new ApiError(
      'not_refundable',
      'This generation was not charged: its credits are still reserved, or were returned.',
    );
  if (path.endsWith('prices')) {
    return new ApiError('price_conflict', 'effective_from is in the past.', { param: 'effective_from' });
  }
  return new ApiError('webhook_endpoint_disabled', 'This endpoint is disabled, so nothing is sent to it.', {
    advice: 'Enable it first.',
  });
}
