import type { ContentVariant } from '../../contracts/content.ts';

/** Most servers accept multipart, as the SDKs send it; some (older SGLang) refuse it without a file. */
export type CreateEncoding = 'multipart' | 'json';

/**
 * What a provider's list can prove (MR-78). `authoritative`: it shows every video of this key, so what it doesn't show was not
 * made. `partial`: it may show only some, such as those of one replica. `none`: there is no list.
 */
export const LIST_KINDS = ['authoritative', 'partial', 'none'] as const;
export type ListKind = (typeof LIST_KINDS)[number];

/** What a provider can: by its dialect, where its settings don't say otherwise. */
export interface Capabilities {
  readonly list: ListKind;
  readonly listShowsPrompts: boolean;
  /** Whether it is asked to end unfinished work: only where its settings say so. */
  readonly cancel: boolean;
  readonly webhooks: boolean;
}

/** The habits of one kind of server, as data. Status words and error codes are not here: all servers share one table of each. */
export interface Dialect {
  readonly name: string;
  /** What the habits were read from: package, version, files. */
  readonly source: string;
  /** Whether an answer with these headers comes from such a server: how `auto` recognises it. Null: no header tells. */
  readonly isSentBy: ((headers: Headers) => boolean) | null;
  readonly create: {
    /** Where the settings don't say. */
    readonly encoding: CreateEncoding;
    /** The field of JSON that takes a file, as a data URL. */
    readonly jsonReference: 'input_reference' | 'reference_url';
    /**
     * How it takes several images. `named`: as objects in `frame_images` or `input_references`, in JSON alone. `image_reference`:
     * as a list under that name, in a form, where the order says which frame is the first. Null: not at all.
     */
    readonly imageLists: 'named' | 'image_reference' | null;
  };
  readonly list: {
    readonly kind: ListKind;
    /** Whether it shows the very prompts that were sent. */
    readonly showsPrompts: boolean;
    /** Sent besides `limit`, `order` and `after`. */
    readonly query: Readonly<Record<string, string>>;
    /** The statuses that mean that there is no list. */
    readonly noneStatuses: readonly number[];
  };
  readonly failure: {
    /** The fields of a failed video that may hold the reason, the first first. */
    readonly fields: readonly string[];
    /** Whether `error.code` repeats an HTTP status, which is no reason. */
    readonly codeIsStatus: boolean;
  };
  readonly content: {
    readonly variants: readonly ContentVariant[];
    /** The address that a refusal of the content (400) names instead; null when it names none. */
    readonly elsewhere: (body: unknown) => string | null;
  };
  /** What shows whether it is there: its list, or, where that asks somebody else, its models. */
  readonly probe: 'list' | 'models';
  /** Null: it can't end unfinished work, or its answer never tells that it has. */
  readonly cancel: {
    /** What the 200 of a DELETE has, beside the video's id, when nothing is made any more and nothing can be downloaded. */
    readonly ended: Readonly<Record<string, string | boolean>>;
  } | null;
  readonly webhooks: boolean;
}
