/**
 * LiteLLM (1.108 to 1.110: litellm/types/videos/utils.py) sends the base64 of this as a video's id, and writes the parts before
 * and after the upstream's id differently at create, in the list, and when another deployment answers.
 */
const LITELLM = /^litellm:custom_llm_provider:[^;]*;model_id:[^;]*;video_id:([^;]+)(;|$)/;
const LITELLM_PREFIX = 'video_';
const LONGEST_BYTES = 1000;
const MOST_WRAPPINGS = 5;

/**
 * The canonical form of a provider's video id, by which ids are compared and kept unique (MR-74): of an id that a gateway has
 * wrapped, the upstream's id; any other id as it is. It doesn't depend on a provider's settings, because it is stored: with
 * other settings an owned video would seem to be nobody's. Two videos whose upstream ids are equal count as one, so neither is
 * ever adopted twice. Never throws.
 */
export function canonicalVideoId(told: string): string {
  let id = told;
  // A gateway may stand before another one.
  for (let wrappings = 0; wrappings < MOST_WRAPPINGS; wrappings += 1) {
    const upstream = unwrapped(id);
    if (upstream === undefined) break;
    id = upstream;
  }
  return id;
}

function unwrapped(id: string): string | undefined {
  if (!id.startsWith(LITELLM_PREFIX) || id.length > 2 * LONGEST_BYTES) return undefined;
  const upstream = LITELLM.exec(fromBase64(id.slice(LITELLM_PREFIX.length)))?.[1];
  return upstream !== undefined && isProviderVideoId(upstream) ? upstream : undefined;
}

/** With or without its padding, and in either alphabet. */
function fromBase64(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8');
}

/**
 * Whether this can be a provider's video id: a text that fits into a URL (a lone surrogate does not, so the video could never be
 * retrieved) and into a unique index of PostgreSQL, whose entries are limited to about 2,700 bytes.
 */
export function isProviderVideoId(text: string): boolean {
  return (
    text.isWellFormed() &&
    Buffer.byteLength(text) <= LONGEST_BYTES &&
    /^[^\p{Cc}\s]+$/u.test(text) &&
    text !== '.' &&
    text !== '..'
  );
}
