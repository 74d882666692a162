/** What the command line reads of the API's objects; `--json` prints them as they came, with every field. */

export interface Page<Item> {
  readonly data: readonly Item[];
  readonly has_more: boolean;
  readonly last_id: string | null;
}

interface ErrorObject {
  readonly code: string;
  readonly message: string;
}

export interface GenerationCredits {
  readonly state: 'held' | 'charged' | 'refunded';
  readonly amount: string;
  readonly amount_microcredits: number;
  readonly hold_expires_at: number;
  readonly settled_at: number | null;
  readonly message: string;
}

interface Generation {
  readonly id: string;
  readonly model: string;
  readonly created_at: number;
  readonly completed_at: number | null;
  readonly error: ErrorObject | null;
  readonly user: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface Video extends Generation {
  readonly object: 'video';
  readonly status: 'queued' | 'in_progress' | 'completed' | 'failed';
  readonly progress: number;
  readonly prompt: string | null;
  readonly size: string;
  readonly seconds: string;
  readonly remixed_from_video_id: string | null;
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  readonly credits: GenerationCredits & {
    readonly claimable: boolean;
    readonly claimable_until: number | null;
    readonly claimed_as: string | null;
    readonly claimed_from: string | null;
  };
}

export interface WrittenText extends Generation {
  readonly object: 'script' | 'thread';
  readonly status: 'in_progress' | 'completed' | 'incomplete' | 'failed';
  readonly title: string | null;
  readonly text: string | null;
  readonly posts: readonly string[] | null;
  readonly output: string;
  readonly usage: { readonly input_tokens: number; readonly output_tokens: number } | null;
  readonly credits: GenerationCredits;
}

export interface Quote {
  readonly object: 'video.quote' | 'script.quote' | 'thread.quote';
  readonly would_be_accepted: boolean;
  readonly amount: string;
  readonly available_microcredits: number;
  readonly error: ErrorObject | null;
}

export interface Timeline {
  readonly data: readonly { readonly at: string; readonly type: string; readonly message: string }[];
}

export interface CreditsObject {
  readonly account_id: string;
  readonly available: string;
  readonly held: string;
}

export interface Transaction {
  readonly id: string;
  readonly kind: string;
  readonly generation_id: string | null;
  readonly reason: string | null;
  readonly available_change: string;
  readonly available_change_microcredits: number;
  readonly held_change: string;
  readonly available: string;
  readonly held: string;
  readonly charged: string;
  readonly created_at: number;
}

export interface Totals {
  readonly granted_microcredits: number;
  readonly clawed_back_microcredits: number;
  readonly charged_microcredits: number;
  readonly refunded_microcredits: number;
}

export type Statement = Page<Transaction> & { readonly totals: Totals };

export interface WebhookEndpoint {
  readonly id: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly status: 'enabled' | 'disabled';
  readonly failing_since: number | null;
}

type Price =
  | {
      readonly object: 'price';
      readonly model: string;
      readonly size: string;
      readonly seconds: string;
      readonly amount: string;
    }
  | {
      readonly object: 'text_price';
      readonly model: string;
      readonly input_microcredits_per_million_tokens: number;
      readonly output_microcredits_per_million_tokens: number;
    };

export interface PriceList {
  readonly data: readonly Price[];
  readonly offers: readonly {
    readonly model: string;
    readonly parameters: readonly { readonly name: string; readonly type: string }[];
  }[];
}
