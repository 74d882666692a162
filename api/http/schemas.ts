import { z } from '@hono/zod-openapi';

/** Fields that several objects share. */

export const unixTime = z.number().int();
/** The last second of the year 9999. */
export const LAST_UNIX_TIME = 253_402_300_799;
export const microcredits = z.number().int();

/**
 * An object or null. `schema.nullable()` would make the named schema itself nullable, or give no name to an object, and
 * generators of clients understand neither.
 */
export const orNull = <Schema extends z.ZodType>(schema: Schema) => z.union([schema, z.null()]);

export function unixSeconds(moment: Date): number {
  return Math.floor(moment.getTime() / 1000);
}

export function unixSecondsOrNull(moment: Date | null): number | null {
  return moment === null ? null : unixSeconds(moment);
}

const CONTROL_CHARACTERS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffd]/;

/** Normalizing a text sorts its combining marks, in quadratic time; real text stacks a few. */
const TOO_MANY_MARKS = /\p{M}{101}/u;

/** Human-readable text: no control characters, no unpaired surrogates, no undecodable bytes. */
export function plainText(maximum: number) {
  return z
    .string()
    .max(maximum)
    .refine((text) => text.trim() !== '', 'must not be empty')
    .refine(
      (text) => text.isWellFormed() && !CONTROL_CHARACTERS.test(text),
      'must be text, without control characters or binary data',
    )
    .refine((text) => !TOO_MANY_MARKS.test(text), 'must not have over 100 combining marks in a row');
}

/** One line of text: no control characters at all, no unpaired surrogates, no undecodable bytes. */
export function isPlainLine(text: string): boolean {
  return text.isWellFormed() && !/[\p{Cc}\ufffd]/u.test(text);
}

/** Of an operator's reason for a movement: it stands in the customer's statement. */
export const THE_CUSTOMER_READS = 'The customer reads it: it stands in their transactions, as JSON and as CSV.';
