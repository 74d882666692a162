import type { GenerationCredits, Page, Statement, Totals } from './objects.ts';

/** What the command line reads of the objects of the admin API. */

export interface Account {
  readonly id: string;
  readonly name: string;
  readonly created_at: number;
}

export interface AccountStanding extends Account {
  readonly available_microcredits: number;
  readonly held_microcredits: number;
  readonly active_generations: number;
  readonly frozen_at: number | null;
}

interface FailureCount {
  readonly code: string;
  readonly generations: number;
}

export interface AccountDetails extends AccountStanding {
  readonly max_active_generations: number;
  readonly frozen_reason: string | null;
  readonly valid_api_keys: number;
  readonly last_generation: { readonly id: string; readonly state: string; readonly error_code: string | null } | null;
  readonly failures: readonly FailureCount[];
  readonly totals: Totals;
}

export interface ApiKey {
  readonly id: string;
  readonly account_id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly expires_at: number | null;
  readonly daily_limit_microcredits: number | null;
  readonly monthly_limit_microcredits: number | null;
  readonly created_at: number;
  readonly revoked_at: number | null;
}

export type ShownKey = ApiKey & { readonly key: string | null };
export type KeyAndSpending = ApiKey & { readonly held_microcredits: number };

export interface Grant {
  readonly account_id: string;
  readonly amount_microcredits: number;
  readonly available_microcredits: number;
}

export interface Refund {
  readonly generation_id: string;
  readonly amount_microcredits: number;
  readonly refundable_microcredits: number;
}

export interface Overview {
  readonly active_generations: number;
  readonly held_microcredits: number;
  readonly stuck_holds: number;
  readonly charged_today: number;
  readonly charged_today_microcredits: number;
  readonly released_today: number;
  readonly released_today_microcredits: number;
  readonly refunded_today: number;
  readonly refunded_today_microcredits: number;
  readonly failures: readonly FailureCount[];
  readonly sales: { readonly open: boolean; readonly reason: string | null };
}

export interface Reconciliation {
  readonly dry_run: boolean;
  readonly holds_checked: number;
  readonly acts: readonly Readonly<Record<'generation_id' | 'action' | 'why' | 'outcome', string>>[];
  readonly acts_made: number;
  readonly holds_overdue: number | null;
  readonly orphans: { readonly count: number; readonly sample: readonly string[] } | null;
  readonly accounts_compared: number | null;
  readonly differences: number | null;
}

export interface Doctor {
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly message: string }[];
}

/** A video, script or thread as an operator sees it. */
export interface AdminGeneration {
  readonly id: string;
  readonly status: string;
  readonly model: string;
  readonly created_at: number;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly credits: GenerationCredits;
  readonly account_id: string;
  readonly api_key_id: string;
  readonly provider: string | null;
  readonly provider_status: string | null;
  readonly provider_error: { readonly code: string | null; readonly message: string | null } | null;
  readonly provider_video_id?: string | null;
  readonly provider_id_contested_at?: number | null;
  readonly settlement_reason: string | null;
  readonly workflow_id: string;
  readonly workflow_url: string | null;
  readonly deleted_at: number | null;
}

export interface AdminTimeline {
  readonly data: readonly {
    readonly at: string;
    readonly message: string;
    readonly data: Readonly<Record<string, unknown>>;
  }[];
}

/** What `holdfast why` puts together: the API's own objects, side by side. */
export interface Why {
  readonly object: 'why';
  readonly generation: AdminGeneration;
  readonly timeline: AdminTimeline;
  readonly transactions: Statement;
  readonly account: AccountDetails;
}

export type AccountPage = Page<AccountStanding>;
