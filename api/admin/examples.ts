import { EXAMPLE } from '../http/examples.ts';
import { TEXT_EXAMPLE } from '../texts/examples.ts';

const { prompt: _prompt, parameters: _parameters, ...video } = EXAMPLE.video;
const { title: _title, text: _text, posts: _posts, output: _output, ...text } = TEXT_EXAMPLE.script;

const ours = {
  account_id: EXAMPLE.account.id,
  api_key_id: EXAMPLE.apiKey.id,
  provider: 'openai@https://api.openai.com',
  provider_status: 'in_progress',
  provider_error: null,
  settlement_reason: null,
  deleted_at: null,
} as const;

const linkTo = (id: string) => ({
  workflow_id: id,
  workflow_url: `http://127.0.0.1:8233/namespaces/default/workflows/${id}`,
});

/** What the OpenAPI document shows of an operator's look at a customer. */
export const ADMIN_EXAMPLE = {
  accountDetails: {
    ...EXAMPLE.accountStanding,
    max_active_generations: 300,
    frozen_reason: null,
    valid_api_keys: 2,
    last_generation: { id: EXAMPLE.video.id, state: 'held', error_code: null, created_at: EXAMPLE.video.created_at },
    failures: [{ code: 'moderation_blocked', generations: 3 }],
    totals: EXAMPLE.creditTotals,
  },
  apiKeyAndSpending: {
    ...EXAMPLE.apiKey,
    held_microcredits: 571429,
    spending: {
      today_microcredits: 1142858,
      this_month_microcredits: 9714293,
      day_ends_at: EXAMPLE.apiKey.created_at + 35200,
      month_ends_at: EXAMPLE.apiKey.created_at + 812800,
      counted_at: EXAMPLE.apiKey.id,
    },
  },
  video: {
    ...video,
    ...ours,
    ...linkTo(video.id),
    provider_video_id: 'video_68d7512d07848190b3e45da0ecbebcde004da08e1e0678d5',
    provider_id_contested_at: null,
  },
  text: { ...text, ...ours, ...linkTo(text.id), provider_status: null, settlement_reason: 'completed' },
  timeline: { object: 'list', data: [{ ...EXAMPLE.timelineStep, data: { amount_microcredits: 571429 } }] },
} as const;
