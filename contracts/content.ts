/** The contents that a provider serves for a completed video, by OpenAI's names. */
export const CONTENT_VARIANTS = ['video', 'thumbnail', 'spritesheet'] as const;

export type ContentVariant = (typeof CONTENT_VARIANTS)[number];

/** The key of a content in the archive; those of one generation share a group. */
export function contentKey(generationId: string, variant: ContentVariant): string {
  return `${generationId}/${variant}`;
}

/** What a video's file shows in its own headers. Null: it does not say, or not readably. */
export interface VideoFacts {
  readonly lengthMs: number | null;
  /** As it is shown: `<width>x<height>`. */
  readonly frameSize: string | null;
  readonly hasSound: boolean | null;
}

export const NOTHING_SHOWN: VideoFacts = { lengthMs: null, frameSize: null, hasSound: null };
