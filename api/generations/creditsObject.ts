import { z } from '@hono/zod-openapi';
import type { RefundActor } from '../../contracts/money.ts';
import { formatCredits } from '../../contracts/money.ts';
import type { GenerationState, PaidState } from '../../contracts/states.ts';
import { plainCode, plainWords } from '../../provider/index.ts';
import { unixSeconds } from '../http/schemas.ts';

/** The API says `refunded` of a hold that was released, because its customer has the credits back. */
export const SHOWN_STATES = {
  held: 'held',
  charged: 'charged',
  released: 'refunded',
} as const satisfies Record<PaidState, string>;

/** The word of the API for a state of a generation, also of one that never had a hold. */
export function stateShown(state: GenerationState): string {
  return state === 'released' ? SHOWN_STATES.released : state;
}

/** The state of a generation's credits: the same object for videos, scripts and threads. */
export const GenerationCredits = z
  .object({
    state: z.enum(SHOWN_STATES),
    amount_microcredits: z.number().int(),
    amount: z.string(),
    hold_id: z.string(),
    hold_expires_at: z.number().int(),
    settled_at: z.number().int().nullable(),
    /** After a charge: how much of it was refunded so far, by whom, and when last. */
    refunded_microcredits: z.number().int().optional(),
    refunded_by: z.string().optional(),
    refunded_at: z.number().int().optional(),
    message: z.string(),
  })
  .openapi('GenerationCredits');

/** Why a generation failed, or would be refused. */
export const GenerationError = z.object({ code: z.string(), message: z.string() }).openapi('GenerationError');

/** Why its hold was released, in words for its customer. */
export function errorInWords(
  { errorCode, errorMessage }: { readonly errorCode: string | null; readonly errorMessage: string | null },
  otherwise: string,
): z.infer<typeof GenerationError> {
  const code = errorCode ?? 'unknown';
  const message = errorMessage === null ? otherwise : plainWords(code, errorMessage);
  return { code: plainCode(code), message };
}

interface Paid {
  readonly state: PaidState;
  readonly holdId: string;
  readonly holdExpiresAt: Date;
  readonly settledAt: Date | null;
  readonly refundedMicrocredits: number;
  readonly refundedBy: readonly RefundActor[];
  readonly refundedAt: Date | null;
}

/** `amountMicrocredits` is what is held or was charged; `message` says in words what happened to it. */
export function toCredits(paid: Paid, amountMicrocredits: number, message: string): z.infer<typeof GenerationCredits> {
  const { state, holdId, holdExpiresAt, settledAt, refundedAt } = paid;
  return {
    state: SHOWN_STATES[state],
    amount_microcredits: amountMicrocredits,
    amount: formatCredits(amountMicrocredits),
    hold_id: holdId,
    hold_expires_at: unixSeconds(holdExpiresAt),
    settled_at: settledAt === null ? null : unixSeconds(settledAt),
    ...(state === 'charged' ? { refunded_microcredits: paid.refundedMicrocredits } : {}),
    ...(refundedAt === null
      ? {}
      : { refunded_by: actorsInWords(paid.refundedBy), refunded_at: unixSeconds(refundedAt) }),
    message,
  };
}

/** A sentence on what was refunded of a charge; empty when nothing was. */
export function refundInWords(
  { refundedMicrocredits, refundedBy, refundedAt }: Pick<Paid, 'refundedMicrocredits' | 'refundedBy' | 'refundedAt'>,
  chargedMicrocredits: number,
): string {
  if (refundedAt === null) return '';
  const who = `by ${actorsInWords(refundedBy)}, on ${refundedAt.toISOString()}`;
  if (refundedMicrocredits >= chargedMicrocredits) return ` All of them were refunded ${who}.`;
  const left = formatCredits(chargedMicrocredits - refundedMicrocredits);
  return ` ${formatCredits(refundedMicrocredits)} of them were refunded, last ${who}; ${left} remain charged.`;
}

/** The sentence on a hold that was released: nothing was charged. */
export function releaseInWords(amountMicrocredits: number): string {
  return `Nothing was charged: the hold of ${formatCredits(amountMicrocredits)} credits was released. Credits have been refunded to your account.`;
}

function actorInWords(actor: unknown): string {
  return actor === 'holdfast' ? 'Holdfast itself' : 'the operator';
}

function actorsInWords(actors: readonly RefundActor[]): string {
  return actors.map(actorInWords).join(' and ');
}
