import { randomUUID } from 'node:crypto';
import { ApiError, type Answer } from '../errors.ts';
import { toWire } from '../lifecycle.ts';
import { gatewaySchema } from '../request.ts';
import type { Dialect, ToldIn } from './dialect.ts';
import { tellDetail } from './fastApi.ts';
import { openai } from './openai.ts';

/** Two deployments of one model: one creates, the other looks. The list knows none. */
const DEPLOYMENTS: Readonly<Record<ToldIn, string>> = {
  create: ';deployment_id:one',
  retrieve: ';deployment_id:two',
  list: '',
};

/** The exceptions that upstreams' statuses become; the names stand twice where LiteLLM writes them twice. */
const EXCEPTIONS: Readonly<Record<number, string>> = {
  400: 'BadRequestError: ',
  401: 'AuthenticationError: ',
  404: 'NotFoundError: ',
  429: 'RateLimitError: RateLimitError: ',
  500: 'InternalServerError: InternalServerError: ',
  502: 'BadGatewayError: BadGatewayError: ',
  503: 'ServiceUnavailableError: ServiceUnavailableError: ',
};
const POLICY = 'BadRequestError: litellm.ContentPolicyViolationError: ContentPolicyViolationError: ';

const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'invalid_request_error',
  429: 'throttling_error',
};

const NO_PROVIDER =
  'litellm.BadRequestError: LLM Provider NOT provided. Pass in the LLM provider you are trying to call. You passed model=';

/**
 * A gateway in front of a server that speaks `openai`: it wraps ids and errors, shows no prompt but in the list, asks the list's
 * upstream without `limit` and `after`, and passes on neither variants nor DELETE.
 */
export const litellm: Dialect = {
  ...openai,
  name: 'litellm',
  source:
    'litellm 1.110.2: seen, in front of this simulator; types/videos/utils.py, llms/openai/videos/transformation.py',
  headers: () => ({ 'x-litellm-version': '1.110.2', 'x-litellm-call-id': randomUUID() }),
  readId: (named) => {
    const hidden = Buffer.from(named.replace(/^video_/, ''), 'base64').toString();
    const upstream = /^litellm:.*;video_id:([^;]+)/.exec(hidden)?.[1];
    // Such an id names no deployment, so it asks the public address.
    if (upstream === undefined) throw new ApiError(500, 'server_error', 'Cannot connect to host api.openai.com:443');
    return upstream;
  },
  create: { json: true, schema: gatewaySchema },
  tellVideo: (video, now_ms, toldIn) => {
    const { prompt, ...body } = toWire(video, now_ms);
    const told = `litellm:custom_llm_provider:openai;model_id:${video.model};video_id:${video.id}${DEPLOYMENTS[toldIn]}`;
    const id = `video_${Buffer.from(told).toString('base64')}`;
    return { status: 200, body: { ...body, id, ...(toldIn === 'list' ? { prompt } : { usage: null }) } };
  },
  tellError,
  list: {
    ...openai.list,
    check: ({ custom_llm_provider }) => {
      if (custom_llm_provider === undefined) throw new ApiError(400, null, NO_PROVIDER, null, 'gateway');
    },
    pages: false,
  },
  content: { ...openai.content, assetOf: () => 'video' },
  delete: null,
  webhooks: false,
};

function tellError(error: ApiError): Answer {
  const { status, code, message, kind } = error;
  const told = (text: string, type = TYPES[status] ?? 'internal_server_error') => ({
    status,
    body: { error: { message: text, type, param: null, code: String(status) } },
  });
  switch (kind) {
    case 'route':
      return tellDetail(error);
    case 'key':
      return told(`Authentication Error, ${message}`, 'auth_error');
    case 'gateway':
      return told(message);
    case 'call': {
      const exception = code === 'content_policy_violation' ? POLICY : (EXCEPTIONS[status] ?? 'APIError: APIError: ');
      const upstreams = JSON.stringify(openai.tellError(error).body);
      const after = `model group 'sora-2' failed with the error above. No fallback was attempted.`;
      return told(`litellm.${exception}OpenAIException - ${upstreams}\n\nLiteLLM: ${after}`);
    }
  }
}
