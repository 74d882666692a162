import { z } from '@hono/zod-openapi';
import type { Labels } from '../../store/index.ts';
import { listQuery } from '../http/listing.ts';
import { isPlainLine } from '../http/schemas.ts';

/** `user` and `metadata`: the client's own references on a generation. Requests, objects and filters of lists have both. */

const MAXIMUM_USER = 64;
const MAXIMUM_PAIRS = 16;
const MAXIMUM_KEY = 64;
const MAXIMUM_VALUE = 512;

const METADATA_TYPE = {
  type: 'object',
  additionalProperties: { type: 'string', maxLength: MAXIMUM_VALUE },
  maxProperties: MAXIMUM_PAIRS,
  example: { project: 'winter' },
} as const;

const user = z
  .string()
  .min(1, 'must not be empty')
  .max(MAXIMUM_USER)
  .refine(isPlainLine, 'must be text, without control characters or binary data');

/** `z.record` would leave this key out without a word. */
function refuseProto(value: unknown, context: z.core.$RefinementCtx): unknown {
  if (typeof value === 'object' && value !== null && Object.hasOwn(value, '__proto__')) {
    context.addIssue('must not have a key named __proto__');
  }
  return value;
}

const metadata = z
  .preprocess(
    refuseProto,
    z.record(z.string(), z.string('must be text')).superRefine((pairs, context) => {
      const fault = faultOf(Object.entries(pairs));
      if (fault !== undefined) context.addIssue({ code: 'custom', ...fault });
    }),
  )
  .openapi(METADATA_TYPE);

function faultOf(pairs: readonly (readonly [string, string])[]): { message: string; path?: string[] } | undefined {
  if (pairs.length > MAXIMUM_PAIRS) return { message: `must have at most ${MAXIMUM_PAIRS} pairs` };
  for (const [key, value] of pairs) {
    if (key === '' || key.length > MAXIMUM_KEY || !isPlainLine(key)) {
      return { message: `must have keys of 1 to ${MAXIMUM_KEY} characters, without control characters or binary data` };
    }
    if (value.length > MAXIMUM_VALUE || !isPlainLine(value)) {
      return {
        message: `must be text of at most ${MAXIMUM_VALUE} characters, without control characters or binary data`,
        path: [key],
      };
    }
  }
  return undefined;
}

/** The fields of a request for a generation. */
export const labelFields = {
  user: user.optional().openapi({
    example: 'user-1234',
    description:
      'Your own id of the user who asked for this. Kept with the generation, and erased when you delete that.',
  }),
  metadata: metadata.optional().openapi({
    description: `Up to ${MAXIMUM_PAIRS} pairs of your own, kept with the generation, and erased when you delete that.`,
  }),
};

interface GivenLabels {
  readonly user?: string | undefined;
  readonly metadata?: Record<string, string> | undefined;
}

/** No labels and empty ones are the same request. */
export function toLabels({ user, metadata = {} }: GivenLabels): Labels {
  return { user: user ?? null, metadata };
}

/** The fields of a generation's object. `metadata` is an object always, so that a client can read a key without a check. */
export const shownLabels = {
  user: z.string().nullable(),
  metadata: z.record(z.string(), z.string()),
};

export const labelFilter = {
  user: user.optional().openapi({ description: 'Only those with this user.', example: 'user-1234' }),
  metadata: metadata.optional().openapi({
    description: 'Only those with these pairs, as `metadata[key]=value`; several must all match.',
    param: { style: 'deepObject', explode: true },
  }),
};

/** The query of a list of generations: all labels that are given must match. */
export function labelledListQuery(id: RegExp, example: string) {
  return withMetadata(listQuery(id, example).extend(labelFilter));
}

export type LabelledListQuery = z.output<ReturnType<typeof labelledListQuery>>;

/** The longest JSON text of valid metadata: each character may be escaped as six. */
const MAXIMUM_JSON = MAXIMUM_PAIRS * (6 * (MAXIMUM_KEY + MAXIMUM_VALUE) + 16) + 16;

/**
 * For forms and queries, where nothing is nested: `metadata[key]`, as SDKs encode an object, and in place of those a `metadata`
 * with the JSON of all pairs, are put together before `schema` reads them.
 */
export function withMetadata<Schema extends z.ZodType>(schema: Schema) {
  return z
    .transform((fields: unknown, context) => {
      if (typeof fields !== 'object' || fields === null) return fields;
      const { pairs, others } = split(fields);
      const { metadata } = others;
      const fault = (message: string) => context.addIssue({ code: 'custom', message, path: ['metadata'] });
      if (pairs.length === 0) {
        if (typeof metadata !== 'string') return others;
        const parsed = parse(metadata);
        if (typeof parsed !== 'object') fault('must be sent as metadata[key]=value, or be a JSON object');
        return { ...others, metadata: parsed };
      }
      if (metadata !== undefined) fault('must be sent in one way');
      if (pairs.some(([key]) => key.includes(']['))) fault('must not be nested');
      return { ...others, metadata: Object.fromEntries(pairs) };
    })
    .pipe(schema);
}

function split(fields: object) {
  const pairs: [string, unknown][] = [];
  const others: [string, unknown][] = [];
  for (const [name, value] of Object.entries(fields)) {
    const key = /^metadata\[(.*)\]$/s.exec(name)?.[1];
    if (key === undefined) others.push([name, value]);
    else pairs.push([key, value]);
  }
  return { pairs, others: Object.fromEntries(others) as { metadata?: unknown } };
}

/** The value itself if it is no JSON, so that the schema refuses it. */
function parse(json: string): unknown {
  if (json.length > MAXIMUM_JSON) return json;
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
