// 1 credit = 1,000,000 microcredits (MR-72). Amounts are integers of microcredits, never floats of credits.

/** The largest amount that is exact in JSON and in JavaScript: 2^53 − 1 microcredits. */
export const MAX_MICROCREDITS = Number.MAX_SAFE_INTEGER;

/** A decimal number of credits with at most six places, in microcredits: "0.571429" → 571429. Exact: it works on the digits. */
export function parseCredits(credits: string): number {
  const [whole = '', places = ''] = credits.split('.');
  return Number(whole + places.padEnd(6, '0'));
}

/**
 * Microcredits as a decimal number of credits with six places: 571429 → "0.571429". Works on the digits, so no amount is
 * rounded. Raises RangeError unless the amount is a safe integer.
 */
export function formatCredits(amountMicrocredits: number): string {
  if (!Number.isSafeInteger(amountMicrocredits)) throw new RangeError('not a safe integer of microcredits');
  const digits = String(Math.abs(amountMicrocredits)).padStart(7, '0');
  return `${amountMicrocredits < 0 ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`;
}

/** Who gave credits back: an operator, or Holdfast by a rule of its own (MR-22). */
export type RefundActor = 'operator' | 'holdfast';
