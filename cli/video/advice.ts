import type { Video } from '../objects.ts';
import { moment } from '../output/time.ts';

const PROMPT_WAS_BLOCKED = 'change the prompt or the image; the same one would be blocked again.';
const REQUEST_WAS_INVALID = 'change what the provider refused, then generate again.';

const ADVICE = new Map([
  ['moderation_blocked', PROMPT_WAS_BLOCKED],
  ['content_policy_violation', PROMPT_WAS_BLOCKED],
  ['invalid_request', REQUEST_WAS_INVALID],
  ['invalid_prompt', REQUEST_WAS_INVALID],
  [
    'generation_timeout',
    'generate again. If the video completes late all the same, holdfast show says how to claim it.',
  ],
  ['provider_unavailable', 'try again later.'],
  ['create_failed', 'generate again.'],
  ['cancelled', 'nothing; generate again if you still want it.'],
  ['settlement_failed', 'generate again; the operator was alerted.'],
]);

/** What to do about a video that failed. */
export function adviceFor({ id, error, credits }: Video): string {
  if (credits.claimed_as !== null) return `holdfast show ${credits.claimed_as}, which has its content.`;
  if (credits.claimable) {
    return `holdfast claim ${id} pays for the video that completed late, until ${moment(credits.claimable_until) ?? 'its end'}.`;
  }
  return ADVICE.get(error?.code ?? '') ?? 'generate again; if it fails again, send this id to your operator.';
}
