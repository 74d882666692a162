import type { OpenApiDocument } from '../http/openapi.ts';

const METHODS = ['get', 'post', 'delete'] as const;

/** `/llms.txt`: what a language model needs to use this API. The calls come from the OpenAPI document, so they stay true. */
export function describeForModels(document: OpenApiDocument, origin: string): string {
  const calls = callsOf(document);
  const listed = (scheme: string | undefined) =>
    calls.filter((call) => call.scheme === scheme).map(({ line }) => `- ${line}`);
  return [
    '# Holdfast',
    '',
    '> Paid AI video generation in the wire format of OpenAI’s Videos API. The price of a video is reserved when it is asked',
    '> for, charged only when the video is completed, and given back in every other case.',
    '',
    `- Base URL for OpenAI's SDKs: ${origin}/v1`,
    '- Authentication: `Authorization: Bearer <API key>`; `/admin` takes the admin key instead.',
    '- Amounts are integers in microcredits: 1 credit = 1000000.',
    '- A video is `queued`, `in_progress`, `completed` or `failed`; poll it, or read its events. `credits.state` is `held`,',
    '  `charged` or `refunded`, and `credits.message` says it in words.',
    '- Send an `Idempotency-Key` with each POST: the same key and body are answered again and never paid twice.',
    '- `?dry_run=true` on a POST that costs money answers its price and whether it would be accepted, and makes nothing;',
    '  `max_credits` in its body refuses what costs more. Unknown query parameters and fields are refused.',
    '- Errors: `{"error": {"message", "type", "param", "code"}}`. Retrying a 402 does not help: `insufficient_credits` is a lack of',
    '  credits, `spend_limit_exceeded` the key’s own limit, and `not_charged` means that this video failed and has no content.',
    '  After a top-up send a new `Idempotency-Key`. On 429 and 503 wait for `Retry-After`; nothing was held.',
    `- All schemas, with examples: ${origin}/openapi.json; the same for people: ${origin}/docs`,
    '',
    '## Calls with an API key',
    '',
    ...listed('bearerAuth'),
    '',
    '## Calls with the admin key',
    '',
    ...listed('adminAuth'),
    '',
    '## Calls without a key',
    '',
    ...listed(undefined),
    '',
  ].join('\n');
}

function callsOf({ paths = {} }: OpenApiDocument) {
  return Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      if (operation === undefined) return [];
      const scheme = Object.keys(operation.security?.[0] ?? {})[0];
      return [{ scheme, line: `${method.toUpperCase()} ${path}: ${operation.summary ?? ''}` }];
    }),
  );
}
