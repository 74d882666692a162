import type { ContentVariant } from '../contracts/content.ts';
import type { Generation } from '../ledger/index.ts';
import { serveArchived } from './archivedContent.ts';
import type { ApiDependencies } from './deps.ts';
import { ApiError, notFound } from './errors.ts';

/** What is passed on of the provider's answer: what describes the bytes, and nothing that describes the provider. */
const PASSED_HEADERS = ['content-type', 'content-length', 'content-range', 'accept-ranges', 'etag', 'last-modified'];

/** From the archive; until it is there, or when the archive has lost it, from the provider. Only what was charged is served. */
export async function downloadContent(
  deps: ApiDependencies,
  generation: Generation,
  variant: ContentVariant,
  request: Request,
): Promise<Response> {
  if (generation.state === 'held') {
    throw new ApiError(
      'video_not_ready',
      'This video is not finished yet; its credits are reserved. Retrieve it until its status is completed.',
    );
  }
  if (generation.state === 'refunded') {
    throw new ApiError(
      'not_charged',
      'This video failed and was never charged, so there is no content. Credits have been refunded to your account.',
    );
  }
  const content = await deps.ledger.getContent(generation.accountId, generation.id, variant);
  if (content?.state === 'gone') throw gone();
  const archived = content === undefined ? undefined : await serveArchived(deps.archive, content, request);
  if (archived !== undefined) return archived;
  if (content !== undefined) deps.log.error({ generationId: generation.id, variant }, 'the archive has lost a content');
  return streamFromProvider(deps, generation, variant, request);
}

function gone(): ApiError {
  return notFound('The content of this video (the provider keeps it for a limited time)');
}

/** Streams it, never holding it. */
async function streamFromProvider(
  { provider, log }: ApiDependencies,
  generation: Generation,
  variant: ContentVariant,
  request: Request,
): Promise<Response> {
  const unavailable = new ApiError(
    'temporarily_unavailable',
    'The content could not be fetched just now. The charge for this video stands; try again shortly.',
    {
      headers: { 'retry-after': '5' },
    },
  );
  // A claim has no video of its own: what it has is in the archive.
  if (generation.providerVideoId === null) throw gone();
  if (generation.provider !== provider.name) throw unavailable;
  const range = request.headers.get('range');
  const answer = await provider
    .downloadContent(generation.providerVideoId, {
      variant,
      signal: request.signal,
      ...(range === null ? {} : { range }),
    })
    .catch((error: unknown) => {
      log.warn({ err: error, generationId: generation.id }, 'content could not be fetched');
      throw unavailable;
    });
  if (![200, 206, 416].includes(answer.status) || request.method === 'HEAD') await answer.body?.cancel();
  if (answer.status === 404) throw gone();
  if (![200, 206, 416].includes(answer.status)) throw unavailable;
  const headers = new Headers({ 'cache-control': 'private, no-store' });
  for (const name of PASSED_HEADERS) {
    const value = answer.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return new Response(request.method === 'HEAD' ? null : answer.body, { status: answer.status, headers });
}
