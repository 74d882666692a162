import type { InputImage } from '../contracts/inputFile.ts';
import type { Verdict } from '../contracts/states.ts';
import type { Capabilities } from './dialects/index.ts';
import type { Debt } from './errors.ts';
import type { Whose } from './transport.ts';
import type { ContentAnswer } from './contentAnswer.ts';
import type { WebhookReading } from './events.ts';

/**
 * The language of this room. A *look* is one retrieve of a video; a *verdict* is what its status means for the money;
 * *trouble* is an answer, or the lack of one, that proves nothing about the video.
 */

/** The client's own references; sent only where the settings say so. */
export interface SentLabels {
  readonly user: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface VideoRequest {
  readonly labels?: SentLabels;
  readonly prompt: string;
  readonly model: string;
  readonly seconds: number;
  /** `<width>x<height>`, or a resolution such as `720p`; sent as it is. */
  readonly size: string;
  /** The names under which length and size are sent; unset: `seconds` and `size`. */
  readonly lengthField?: 'seconds' | 'duration';
  readonly sizeField?: 'size' | 'resolution';
  /** What else is sent, by the provider's names. */
  readonly parameters?: Readonly<Record<string, string | number | boolean>>;
  readonly images?: readonly InputImage[];
  /** The provider's id of the video that it is made from; the prompt alone is sent then. */
  readonly remixedFrom?: string;
}

/** A video as the provider told it. Whatever is absent or garbage is null. */
export interface ProviderVideo {
  /** The provider's own id, unmodified: no blanks or control characters, at most 1,000 bytes. */
  readonly id: string;
  readonly verdict: Verdict;
  /** The provider's word, at most 100 characters, without control characters. */
  readonly status: string;
  /** Percent, 0 to 100, a whole number. */
  readonly progress: number | null;
  readonly createdAt: Date | null;
  readonly completedAt: Date | null;
  /** Both are set exactly when the verdict is `failed`: at most 100 of [A-Za-z0-9_.-], at most 1,000 characters. */
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  /** What the video was asked to be, exactly as the provider echoes it; by these a lost create is found again. */
  readonly prompt: string | null;
  readonly model: string | null;
  readonly seconds: number | null;
  readonly size: string | null;
  /** Whether it has sound. */
  readonly hasAudio: boolean | null;
  readonly remixedFrom: string | null;
}

/** Proves nothing about a video, only that this call is to be made again. `status`: of HTTP, null without an answer. */
export interface Trouble {
  readonly outcome: 'transient';
  /** A few words for an operator; never a prompt, a key or a raw body. */
  readonly why: string;
  readonly status: number | null;
  /** As the provider asked, 0 to 60,000 ms; null when it didn't. */
  readonly retryAfterMs: number | null;
  /** What the operator owes the provider, if it refuses for that: a key with the rights, or money. */
  readonly debt: Debt | null;
  readonly whose: Whose;
}

/** What one create came to, sorted by what it proves (MR-12, MR-13, MR-40). */
export type CreateResult =
  /** The answer may already be terminal: `video.verdict`. */
  | { readonly outcome: 'created'; readonly video: ProviderVideo }
  /** Refused for what the client asked; code and message may be shown to the customer. */
  | { readonly outcome: 'clients_fault'; readonly code: string; readonly message: string }
  /** Proven that nothing was made: refused for what the operator owes, never sent, or turned away as too many. */
  | {
      readonly outcome: 'operators_fault' | 'not_sent' | 'not_made';
      readonly why: string;
      /** The provider's own words, for operators' records only: it may tell of their account. */
      readonly message: string;
      readonly retryAfterMs: number | null;
    }
  /** The call may have arrived: a second create could make a second paid video. */
  | { readonly outcome: 'ambiguous'; readonly why: string };

/** A create that made nothing, or of which that can't be known. */
export type CreateRefusal = Exclude<CreateResult, { outcome: 'created' }>;

/** What is to be written, whatever it is: one chat completion, whose answer is JSON in this format. */
export interface CompletionRequest {
  readonly labels?: SentLabels;
  readonly model: string;
  readonly messages: readonly { readonly role: 'system' | 'user'; readonly content: string }[];
  readonly format: { readonly name: string; readonly schema: Readonly<Record<string, unknown>> };
  readonly maxOutputTokens: number;
}

/** The provider's own count, of which it bills. */
export interface TextUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** `written`: as far as it came; without usage when the provider told none, or the answer broke off. */
export type TextResult =
  | {
      readonly outcome: 'written';
      readonly output: string;
      readonly finishReason: string | null;
      readonly usage: TextUsage | null;
    }
  | CreateRefusal;

export type RetrieveResult = { readonly outcome: 'seen'; readonly video: ProviderVideo } | Trouble;

export interface VideoPage {
  readonly outcome: 'listed';
  /** In the provider's order; asked for newest first. */
  readonly videos: readonly ProviderVideo[];
  /** Entries that could not be read: when this isn't 0, "not in the list" proves nothing. */
  readonly unreadable: number;
  readonly hasMore: boolean;
  /** The `after` of the next page; null when the page is empty or its end has no id. */
  readonly lastId: string | null;
  /** Whether the list shows every video of this key; only then can it prove that one was not made (MR-78). */
  readonly isComplete: boolean;
  /** The dialect that it was read in: of the settings, or recognised by the answer. */
  readonly dialect: string;
  /** By how much the provider's clock is ahead of ours, below zero behind it; null when the answer doesn't tell. */
  readonly clockSkewMs: number | null;
}

export interface PageWanted {
  readonly after?: string;
  readonly limit?: number;
  readonly isOfSweep?: boolean;
}

/** `no_list`: the provider has no list, and will have none when it is asked again. */
export type ListResult = VideoPage | { readonly outcome: 'no_list'; readonly why: string } | Trouble;

export type DeleteResult =
  | { readonly outcome: 'deleted' }
  /** It has no deletion, or refuses this one for good: asking again changes nothing. `why` is in an operator's words. */
  | { readonly outcome: 'kept'; readonly why: string }
  | Trouble;

/** `unclear`: whether the work was ended is not known. `why` is in an operator's words. */
export type CancelResult = { readonly outcome: 'ended' } | { readonly outcome: 'unclear'; readonly why: string };

export interface DownloadOptions {
  readonly variant?: 'video' | 'thumbnail' | 'spritesheet';
  /** A Range header with one range. */
  readonly range?: string;
  readonly signal?: AbortSignal;
}

export interface Provider {
  /** By which the operator's settings and the price book call it. */
  readonly name: string;
  /**
   * Its name and the origin of its base URL, `openai@https://host`: bound to each generation, for polling never moves
   * elsewhere, and video ids are unique within it. A rotated key, or another path, is the same provider (MR-38); so is
   * another origin, if it is declared as moved.
   */
  readonly identity: string;
  /** Without a trailing slash. */
  readonly baseUrl: string;
  /** How many videos it may have at once; null: any number. */
  readonly videosAtOnce: number | null;
  /** How many requests it may get in a minute, from all processes; null: any number. Its methods raise when they have no turn. */
  readonly requestsPerMinute: number | null;
  /** The sweep asks for one page of its list in this time, at most; null: its list is not swept. */
  readonly sweepIntervalMs: number | null;
  /** The name of the dialect that it is spoken to in. */
  readonly dialect: string;
  readonly can: Capabilities;
  /** Verifies and reads a webhook of its; null: it sends none, or their secret is not set. */
  readonly readWebhook: ((headers: Headers, body: string) => Promise<WebhookReading>) | null;
  /** At most one request; never throws for provider trouble. */
  createVideo(request: VideoRequest): Promise<CreateResult>;
  /**
   * At most one request, read to its end. `onOutput` is called after each piece, with how to read all that was written so far; its
   * false stops the reading. Never throws for provider trouble; an error of `onOutput` comes out.
   */
  writeText(request: CompletionRequest, onOutput: (output: () => string) => Promise<boolean>): Promise<TextResult>;
  /** Never throws for provider trouble. Only `seen` with `completed` is ground for a capture. */
  retrieveVideo(providerVideoId: string): Promise<RetrieveResult>;
  /** One page, `limit` 1 to 100 (default 100). A page of the sweep is asked for after all other calls. Never throws for provider trouble. */
  listVideos(page?: PageWanted): Promise<ListResult>;
  /** Asks for `GET /models`, which every server of this kind has: a 404 means a wrong base URL. Never throws for provider trouble. */
  askModels(): Promise<{ readonly outcome: 'answered' } | Trouble>;
  /** Before `cancelVideo`: one that was committed and then waited would never be sent. Raises when there is no turn. */
  turnToCancel(): Promise<void>;
  /** Ends unfinished work, where `can.cancel`. At most one request. Never throws for provider trouble. */
  cancelVideo(providerVideoId: string): Promise<CancelResult>;
  /** `deleted` also when it was gone before. Never throws for provider trouble. */
  deleteVideo(providerVideoId: string): Promise<DeleteResult>;
  /**
   * A variant of a video's content, or a part of it, its body a stream. Redirects are followed to public addresses, to the
   * provider's origin and to the hosts that are listed. Never throws for provider trouble; raises the signal's reason when the
   * caller gave up. The body is to be read to its end or cancelled.
   */
  downloadContent(providerVideoId: string, options?: DownloadOptions): Promise<ContentAnswer>;
}
