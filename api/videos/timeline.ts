import { formatCredits } from '../../contracts/money.ts';
import type { GenerationEvent } from '../../store/index.ts';
import { SHOWN_STATES } from '../generations/creditsObject.ts';

type Words = (data: GenerationEvent['data']) => string;

const credits = ({ amount_microcredits: amount }: GenerationEvent['data']) => formatCredits(Number(amount));

/** Each event for the customer who asks "why was I charged?". What only concerns operators has no words here. */
const WORDS: Record<string, Words> = {
  requested: (data) => `Requested, at a price of ${credits(data)} credits`,
  held: (data) => `Hold of ${credits(data)} credits placed`,
  create_begun: ({ attempt }) => `Asking the provider for the video${attempt === 1 ? '' : `, try ${attempt}`}`,
  create_created: () => 'The provider has begun',
  create_adopted: () => 'The reply of the provider was lost; its video was found',
  create_not_made: () => 'The provider did not take the video; nothing was made, credits stay reserved',
  create_ambiguous: () => 'The reply of the provider was lost; looking for the video, credits stay reserved',
  create_not_found: () => 'The provider has no such video: nothing was made by that try',
  create_conflict: () =>
    'The provider answered with the id of another video. Nothing is charged for that one and none is made again; credits stay reserved until the hold ends',
  id_contested: () =>
    'The provider gave the id of this video to another one too: what it says and serves under it from now on may be the other’s, and is not used',
  submission_refused: ({ code }) => `The provider refused the request: ${code}`,
  seen: ({ verdict, status, progress, code }) => {
    if (verdict === 'completed') return 'The provider reported that the video is complete';
    if (verdict === 'failed') return `Provider reported failure: ${code}`;
    return `The provider reported ${status}${progress === null ? '' : `, ${progress} %`}`;
  },
  unreachable: ({ tries, for_ms: forMs }) =>
    `Provider could not be reached, ${tries === 1 ? '1 try' : `${tries} tries`} over ${duration(Number(forMs))}; credits stay reserved`,
  cancel_requested: () => 'Cancel requested; credits follow the outcome of what the provider has begun',
  settlement_refused: () => 'The outcome could not be recorded at once; credits stay reserved',
  charged: (data) => `${credits(data)} credits charged`,
  late_completion: () => 'The provider completed the video after the refund; it can be claimed for a day, at its price',
  claimed: ({ by }) => `Claimed, as ${by}`,
  provider_video_deleted: () => 'Nobody claimed the late video: it was deleted at the provider',
  provider_video_kept: () => 'Nobody claimed the late video: it can’t be had any more, but the provider keeps it',
  deleted: ({ provider_keeps: why }) =>
    why === undefined ? 'Deleted by its owner' : 'Deleted by its owner here; the provider keeps its copy',
  content_gone: () => 'The content of the video is gone: it could not be copied to the archive in time',
  content_unusable: () => 'The provider sent something that is not the whole video; it is fetched again for a day',
  content_served: () => 'The whole video was downloaded',
  content_refund_refused: () => 'The refund that this calls for could not be made; an operator was told',
  credits_refunded: (data) =>
    data['actor'] === 'holdfast'
      ? `${credits(data)} credits refunded: nobody had the video before its content was gone`
      : `${credits(data)} of the charged credits were refunded by the operator`,
  released: (data) => `${credits(data)} credits returned: ${data['code']}`,
};

/** In the larger unit that says enough. */
function duration(ms: number): string {
  const [amount, unit] = ms < 90_000 ? [ms / 1000, 'second'] : [ms / 60_000, 'minute'];
  const rounded = Math.max(1, Math.round(amount));
  return `${rounded} ${unit}${rounded === 1 ? '' : 's'}`;
}

export interface Step {
  readonly at: Date;
  readonly sequence: number;
  readonly type: string;
  readonly message: string;
}

/** The steps of a generation in words, read from its events alone. */
export function toTimeline(events: readonly GenerationEvent[]): Step[] {
  return events.flatMap(({ sequence, kind, data, recordedAt }) => {
    const message = WORDS[kind]?.(data);
    return message === undefined
      ? []
      : [{ at: recordedAt, sequence, type: kind === 'released' ? SHOWN_STATES.released : kind, message }];
  });
}
