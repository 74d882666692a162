/** The contents that a provider serves for a completed video, by OpenAI's names. */
export const CONTENT_VARIANTS = ['video', 'thumbnail', 'spritesheet'] as const;

export type ContentVariant = (typeof CONTENT_VARIANTS)[number];

/** The key of a content in the archive; those of one generation share a group. */
export function contentKey(generationId: string, variant: ContentVariant): string {
  return `${generationId}/${variant}`;
}
