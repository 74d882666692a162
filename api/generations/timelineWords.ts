import { formatCredits } from '../../contracts/money.ts';
import type { GenerationKind } from '../../contracts/ids.ts';
import type { GenerationEvent } from '../../store/index.ts';

type Words = (data: GenerationEvent['data'], kind: GenerationKind, parameters: Parameters) => string;
type Parameters = NonNullable<GenerationEvent['parameters']>;

const credits = ({ amount_microcredits: amount }: GenerationEvent['data']) => formatCredits(Number(amount));

/** Explains each event to a customer who asks "why was I charged?". Events that only concern operators are not shown. */
export const WORDS: Record<string, Words> = {
  requested: (data, kind, parameters) =>
    `Requested${withParameters(parameters)}${data['claim_of'] === undefined ? '' : ` as a claim of ${data['claim_of']}, whose completion was seen after its credits were refunded`}, at a price of ${kind === 'video' ? '' : 'at most '}${credits(data)} credits`,
  held: (data) => `Hold of ${credits(data)} credits placed`,
  attempt_begun: ({ attempt }, kind) =>
    `Asking the provider for the ${kind}${attempt === 1 ? '' : `, attempt ${attempt}`}`,
  attempt_created: () => 'The provider has begun',
  attempt_adopted: () => 'The video of this attempt was found at the provider',
  attempt_not_made: ({ code }, kind) =>
    `${code === 'not_sent' ? 'The provider was not reached' : `The provider did not accept the ${kind}`}; nothing was made, credits stay reserved`,
  attempt_ambiguous: (_, kind) =>
    kind === 'video'
      ? 'It is not known whether the provider accepted the video; looking for it, credits stay reserved'
      : `It is not known whether the provider accepted the ${kind}; it is not asked for again`,
  attempt_not_found: () => 'The provider has no such video: that attempt made nothing',
  attempt_conflict: () =>
    'The provider answered with the id of another video. Nothing is charged for that video and no new attempt is made; credits stay reserved until the hold ends',
  id_contested: () =>
    'The provider gave the id of this video to another one too: what it reports and serves under this id from now on may belong to the other, and is not used',
  text_ended: ({ finish_reason: reason, input_tokens: input, output_tokens: output, is_empty: isEmpty }) =>
    `${isEmpty === true ? 'Nothing was written' : ended(reason)}${input === null ? '; the provider reported no usage' : `: ${input} tokens read, ${output} written`}`,
  submission_refused: ({ code }) => `The provider refused the request: ${reasonInWords(code)}`,
  seen: ({ verdict, status, progress, code }) => {
    if (verdict === 'completed') return 'The provider reported that the video is complete';
    if (verdict === 'failed') return `The provider reported a failure: ${reasonInWords(code)}`;
    return `${statusInWords(status)}${progress === null ? '' : `, ${progress} %`}`;
  },
  unreachable: ({ tries, for_ms: forMs }) =>
    `The provider gave no usable answer: ${tries === 1 ? '1 try' : `${tries} tries`} over ${duration(Number(forMs))}; credits stay reserved`,
  cancel_requested: () =>
    'Cancel requested. If the provider has already begun, the video is charged only if it completes, and refunded otherwise',
  cancel_sent: () =>
    'Asking the provider to end its work on the video; if it completes all the same, it is charged once its content is kept',
  cancel_ended: () => 'The provider has ended its work on the video',
  cancel_unclear: () =>
    'It is not known whether the provider has ended its work; credits stay reserved until the video ends or its hold does',
  settlement_refused: () => 'The outcome could not be recorded at once; credits stay reserved',
  made_otherwise: (data) => `The provider reports something else than was ordered: ${differences(data)}`,
  charged: (data, kind) => {
    const { held_microcredits: held, seconds, made_seconds: made } = data;
    if (held === undefined) return `${credits(data)} credits charged`;
    const isShorter = made !== null && Number(made) < Number(seconds);
    const why =
      kind !== 'video'
        ? `the cost of this ${kind}`
        : isShorter
          ? `${made} of ${seconds} seconds were made`
          : 'less was made than was ordered';
    return `${credits(data)} of ${formatCredits(Number(held))} reserved credits charged: ${why}; the rest was returned`;
  },
  late_completion: ({ claimable_until: until }) =>
    `The provider’s completion was seen after the refund; ${until === undefined ? 'the video can’t be claimed, because its owner deleted it' : `the video can be claimed at its original price until ${new Date(String(until)).toISOString()}`}`,
  claimed: ({ by }) => `Claimed as ${by}, which is charged once it has the content`,
  provider_video_deleted: () => 'The late video was not claimed, so it was deleted at the provider',
  provider_video_kept: () => 'The late video was not claimed and can’t be claimed any more; the provider keeps it',
  deleted: ({ provider_keeps: why, ended_claim: endedClaim }) =>
    `Deleted by its owner${why === undefined ? '' : ' here; the provider keeps its copy'}${endedClaim === true ? ', so it can’t be claimed any more' : ''}; its charge or refund stands`,
  content_otherwise: (data) => `The archived video shows something else than was ordered: ${differences(data)}`,
  content_gone: () => 'The content of the video is gone: it could not be copied to the archive in time',
  content_unusable: () =>
    'The provider sent something other than the whole video; Holdfast keeps fetching it for a day',
  content_served: () => 'The whole video was downloaded',
  content_refund_refused: () => 'The refund that this requires could not be made; an operator was alerted',
  credits_refunded: (data) => {
    if (data['actor'] !== 'holdfast') return `${credits(data)} of the charged credits were refunded by the operator`;
    return data['reason'] === 'content_otherwise'
      ? `${credits(data)} of the charged credits were refunded: the archived video shows less than was charged`
      : `${credits(data)} credits refunded: the content was lost before anyone downloaded the video`;
  },
  released: (data) => `${credits(data)} credits returned: ${reasonInWords(data['code'])}`,
};

const LONGEST_VALUE = 40;

/** Names and values; a long text is cut. */
function withParameters(parameters: Parameters): string {
  const named = Object.entries(parameters).map(([name, value]) => {
    if (typeof value !== 'string') return `${name} ${value}`;
    const letters = Array.from(value);
    return `${name} “${letters.length > LONGEST_VALUE ? `${letters.slice(0, LONGEST_VALUE).join('')}…` : value}”`;
  });
  return named.length === 0 ? '' : ` with ${named.join(', ')}`;
}

type Value = GenerationEvent['data'][string] | undefined;

/** Error codes, Holdfast's own and those that providers share. `error.code` of the generation has the code itself. */
const REASONS = new Map<Value, string>(
  Object.entries({
    generation_timeout: 'it was not finished in time',
    provider_unavailable: 'the provider could not take the request in time',
    cancelled: 'it was cancelled before there was a video',
    create_failed: 'it could not be started at the provider',
    settlement_failed: 'its outcome could not be recorded',
    nothing_delivered: 'nothing was delivered',
    generation_failed: 'the provider failed to make it, without a reason',
    moderation_blocked: 'it was blocked by moderation',
    content_policy_violation: 'it is against the provider’s content policy',
    invalid_request: 'the request is not valid for the provider',
    invalid_prompt: 'the prompt is not valid for the provider',
  }),
);

/** Another code is a word of the provider's. */
function reasonInWords(code: Value): string {
  if (code == null) return 'without a reason';
  return REASONS.get(code) ?? `the provider’s reason is “${code}”`;
}

const STATUSES = new Map<Value, string>([
  ['queued', 'The video waits at the provider'],
  ['in_progress', 'The provider is making the video'],
]);

function statusInWords(status: Value): string {
  return STATUSES.get(status) ?? `The provider reported the status “${status}”`;
}

function differences({
  seconds,
  made_seconds: madeSeconds,
  size,
  made_size: madeSize,
  made_model: madeModel,
  made_audio: madeAudio,
}: GenerationEvent['data']): string {
  return [
    madeSeconds === undefined ? [] : [`${madeSeconds} seconds instead of ${seconds}`],
    madeSize === undefined ? [] : [`${madeSize} instead of ${size}`],
    madeModel === undefined ? [] : ['another model'],
    madeAudio === undefined ? [] : ['no sound'],
  ]
    .flat()
    .join(', ');
}

/** How the writing of a text ended, by the provider’s reason. */
function ended(reason: Value): string {
  if (reason === 'stop') return 'The provider has finished writing';
  if (reason === 'length') return 'The provider stopped writing at the maximum length';
  if (reason === 'content_filter') return 'The provider’s content filter stopped the writing';
  return reason == null ? 'The writing broke off' : `The provider stopped writing, for the reason “${reason}”`;
}

/** In seconds, or in minutes from 90 s on. */
function duration(ms: number): string {
  const [amount, unit] = ms < 90_000 ? [ms / 1000, 'second'] : [ms / 60_000, 'minute'];
  const rounded = Math.max(1, Math.round(amount));
  return `${rounded} ${unit}${rounded === 1 ? '' : 's'}`;
}
