import type { ContentVariant } from '../../contracts/content.ts';
import { formatCredits } from '../../contracts/money.ts';
import type { Generation } from '../../store/index.ts';
import { serveArchived } from './archivedContent.ts';
import type { ApiDependencies } from '../http/deps.ts';
import { ApiError, notFound } from '../http/errors.ts';
import { passThrough } from './passThrough.ts';
import { lateInWords } from './videoObject.ts';

/** Until this long after the charge, a missing preview may merely not exist yet. */
const NOT_READY_MS = 3_600_000;

/** Serves from the archive, or from the provider until it is archived or when the archive has lost it. Only charged videos are served. */
export async function downloadContent(
  deps: ApiDependencies,
  generation: Generation,
  variant: ContentVariant,
  request: Request,
): Promise<Response> {
  if (generation.state === 'held') {
    throw new ApiError('video_not_ready', 'This video is not finished yet; its credits are reserved.', {
      advice: 'Retrieve it until its status is completed.',
    });
  }
  if (generation.state === 'released') {
    throw new ApiError(
      'not_charged',
      `This video failed and was never charged, so there is no content. Credits have been refunded to your account.${lateInWords(generation)}`,
    );
  }
  const content = await deps.store.getContent(generation.accountId, generation.id, variant);
  if (content?.state === 'gone') throw await gone(deps, generation, variant);
  const archived = content === undefined ? undefined : await serveArchived(deps.archive, content, request);
  if (archived !== undefined) return archived;
  if (content !== undefined) deps.log.error({ generationId: generation.id, variant }, 'the archive has lost content');
  return fromProvider(deps, { generation, variant, request, isLost: content !== undefined });
}

interface Wanted {
  readonly generation: Generation;
  readonly variant: ContentVariant;
  readonly request: Request;
  /** The content was archived, but the archive has lost it. */
  readonly isLost: boolean;
}

async function fromProvider(deps: ApiDependencies, wanted: Wanted): Promise<Response> {
  const { generation, variant } = wanted;
  // A claim has no video of its own at the provider: its content is in the archive.
  if (generation.providerVideoId === null) throw contentMissing(variant);
  const provider = deps.providers.bound(generation.provider);
  if (provider === undefined) throw unavailable(wanted);
  const passed = await passThrough(deps, provider, wanted).catch((error: unknown) => {
    deps.log.warn({ err: error, generationId: generation.id }, 'content could not be fetched');
    return 'unavailable' as const;
  });
  if (passed instanceof Response) return passed;
  if (passed === 'missing' && (isGone(wanted) || (await hasNone(deps, wanted)))) throw contentMissing(variant);
  throw unavailable(wanted);
}

/**
 * Whether content that the provider does not have is lost for good. For a video only the ledger says so, which also refunds
 * it; until then Holdfast keeps looking for it.
 */
function isGone({ generation, variant, isLost }: Wanted): boolean {
  const isLate = Date.now() - (generation.settledAt?.getTime() ?? 0) > NOT_READY_MS;
  return isLost || (variant !== 'video' && isLate);
}

/** The video itself is archived, and so are the previews that its provider has. */
async function hasNone({ store }: ApiDependencies, { generation, variant }: Wanted): Promise<boolean> {
  if (variant === 'video') return false;
  const video = await store.getContent(generation.accountId, generation.id, 'video');
  return video?.state === 'archived';
}

function unavailable({ generation, variant, isLost }: Wanted): ApiError {
  const credits = formatCredits(generation.amountMicrocredits);
  const charge =
    variant === 'video' && !isLost
      ? `Its ${credits} credits are refunded if it can’t be fetched within a day.`
      : 'The charge for this video stands.';
  return new ApiError(
    'temporarily_unavailable',
    `The content of this video can’t be fetched from the provider just now. ${charge}`,
    { headers: { 'retry-after': '5' }, advice: 'Try again shortly.' },
  );
}

function contentMissing(variant: ContentVariant): ApiError {
  // A provider's 404 does not tell the two apart.
  if (variant !== 'video') {
    return notFound(`The ${variant} of this video`, 'Its provider makes none, or keeps it no longer.');
  }
  return notFound('The content of this video', 'The provider keeps it for a limited time.');
}

async function gone(
  { store }: ApiDependencies,
  { id, amountMicrocredits }: Generation,
  variant: ContentVariant,
): Promise<ApiError> {
  const refunded = await store.getRefunded(id);
  if (refunded === 0) return contentMissing(variant);
  const all = refunded === amountMicrocredits ? '' : ` of the ${formatCredits(amountMicrocredits)}`;
  return new ApiError(
    'not_found',
    `The content of this video is gone: the provider lost it before it could be archived. ${formatCredits(refunded)}${all} credits that were charged have been refunded to your account.`,
  );
}
