import type { z } from 'zod';
import type { Answer, ApiError } from '../errors.ts';
import type { Asked, Phase, VideoRecord } from '../lifecycle.ts';

/** Which answer a video is told in: some servers spell its id differently in each. */
export type ToldIn = 'create' | 'retrieve' | 'list';

/** How one kind of server speaks. Nothing here is read from Holdfast's own table of dialects, so that neither repeats the other's mistakes. */
export interface Dialect {
  readonly name: string;
  /** What its habits were read from, or seen in. */
  readonly source: string;
  /** Headers of every answer. */
  readonly headers: () => Readonly<Record<string, string>>;
  readonly newId: () => string;
  /** The stored id of the one that a client names. */
  readonly readId: (named: string) => string;
  readonly create: {
    /** Whether it reads JSON besides forms. */
    readonly json: boolean;
    readonly schema: z.ZodType<Asked>;
  };
  readonly tellVideo: (video: VideoRecord, now_ms: number, toldIn: ToldIn) => Answer;
  readonly tellError: (error: ApiError) => Answer;
  readonly list: {
    /** Refuses a query by what it lacks. */
    readonly check: (query: Readonly<Record<string, string>>) => void;
    /** Whether it reads `limit`, `order` and `after`. */
    readonly pages: boolean;
    /** What comes after a video that it does not know. */
    readonly afterUnknown: 'error' | 'nothing';
  };
  readonly content: {
    /** The asset of a variant; raises ApiError where there is none. */
    readonly assetOf: (variant: string | undefined) => 'video' | 'thumbnail' | 'spritesheet';
    readonly notReady: (phase: Phase) => ApiError;
  };
  /** Which videos DELETE takes, and what it does to one that is being made; null: there is no DELETE. */
  readonly delete: 'ended ones' | 'all, and aborts' | 'all, and works on' | null;
  readonly tellDeleted: (video: VideoRecord, now_ms: number) => Record<string, unknown>;
  readonly remix: boolean;
  readonly webhooks: boolean;
}
