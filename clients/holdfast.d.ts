/**
 * Holdfast's fields in the types of OpenAI's Node SDK (`openai` 6 and 7). Copy this file into the sources of your
 * TypeScript app, beside the code that it is compiled with; it emits nothing.
 */
import type { VideoCreateParams, VideoSeconds, VideoSize } from 'openai/resources/videos';

/** What became of the credits of a video. */
export interface Credits {
  /** `refunded`: the hold was released, and nothing was charged. A refund after a charge stays `charged`. */
  state: 'held' | 'charged' | 'refunded';
  amount_microcredits: number;
  /** The same in credits, as a decimal number. */
  amount: string;
  hold_id: string;
  /** Unix seconds, as all times here. */
  hold_expires_at: number;
  settled_at: number | null;
  /** How much of a charge was refunded so far. */
  refunded_microcredits?: number;
  refunded_by?: string;
  refunded_at?: number;
  /** Whether the video completed after its credits were refunded, and can be had for its old price; and until when. */
  claimable: boolean;
  claimable_until: number | null;
  /** Of a claim: the video that it pays for. Of that one: its claim, which has the content. */
  claimed_from: string | null;
  claimed_as: string | null;
  /** All of this in a sentence. */
  message: string;
}

/** The answer to `?dry_run=true`, which OpenAI's types take for a video: `(await create(…)) as unknown as Quote`. */
export interface Quote {
  object: 'video.quote' | 'script.quote' | 'thread.quote';
  would_be_accepted: boolean;
  amount_microcredits: number;
  /** The same in credits, as a decimal number. */
  amount: string;
  available_microcredits: number;
  /** Why it would be refused. */
  error: { code: string; message: string } | null;
}

/** OpenAI's types know three lengths and four sizes; a price book may have others. */
type AnyVideo = Omit<VideoCreateParams, 'seconds' | 'size'> & {
  seconds?: VideoSeconds | (string & {});
  size?: VideoSize | (string & {});
} & OfferedParameters;

/** Those of these that the model is sold with; `GET /v1/models` says which, and of any others. */
interface OfferedParameters {
  seed?: number;
  negative_prompt?: string;
  fps?: number;
  aspect_ratio?: string;
  guidance_scale?: number;
  generate_audio?: boolean;
}

/** `url` is a base64 `data:` URL of a JPEG, PNG or WebP image; no other address is fetched. */
interface InputImage {
  type?: 'image_url';
  image_url: { url: string };
}

declare module 'openai/resources/videos' {
  interface Video {
    credits: Credits;
    user: string | null;
    metadata: Record<string, string>;
    /** What it was ordered with, by the names of the model's offer, defaults filled in. */
    parameters: Record<string, string | number | boolean>;
  }
  interface VideoCreateParams {
    /** Another word for `seconds`. */
    duration?: string | number;
    /** Another word for `size`. */
    resolution?: string;
    /** The first frame, and perhaps the last one, for a model that is sold with them. */
    frame_images?: (InputImage & { frame_type: 'first_frame' | 'last_frame' })[];
    /** Up to eight images that guide the video, for a model that is sold with them. */
    input_references?: InputImage[];
    /** In credits, like `'0.6'`: a video that costs more is refused. */
    max_credits?: string | number;
    /** Your own id of the user who asks. */
    user?: string;
    /** Up to 16 pairs of your own. */
    metadata?: Record<string, string>;
  }
  interface VideoRemixParams {
    /** In credits, like `'0.6'`: a video that costs more is refused. */
    max_credits?: string | number;
    /** Your own id of the user who asks. */
    user?: string;
    /** Up to 16 pairs of your own. */
    metadata?: Record<string, string>;
  }
  interface VideoListParams {
    /** Only videos with this user. */
    user?: string;
    /** Only videos with all of these pairs. */
    metadata?: Record<string, string>;
  }
  interface Videos {
    create(body: AnyVideo, options?: Parameters<Videos['retrieve']>[1]): ReturnType<Videos['retrieve']>;
  }
}
