/** What the provider serves of a finished video, in OpenAI's words. */
export const CONTENT_VARIANTS = ['video', 'thumbnail', 'spritesheet'] as const;

export type ContentVariant = (typeof CONTENT_VARIANTS)[number];

/** The key of a content in the archive; everything of one generation lies together. */
export function contentKey(generationId: string, variant: ContentVariant): string {
  return `${generationId}/${variant}`;
}
