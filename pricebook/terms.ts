import { z } from 'zod';

/**
 * What an operator says of what is sold, by the admin API and in a file: the form of offers as `migrations/functions/offers.sql`
 * enforces it, with the fault in words.
 */

const LARGEST = Number.MAX_SAFE_INTEGER;
const LARGEST_EFFECT = 1_000_000_000_000;

export const providerName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be the name of a provider, like litellm');
export const providerModel = z.string().min(1).max(200);

const effectAmount = z.number().int().min(0).max(LARGEST_EFFECT);
const PriceEffect = z.union([
  z.strictObject({ factor_basis_points: z.number().int().min(1).max(1_000_000) }),
  z.strictObject({ amount_microcredits: effectAmount }),
  z.strictObject({ per_second_microcredits: effectAmount }),
]);

/**
 * No parameter is ever called this, here or at a provider, however it is spelled: it would make more than is paid for, name a
 * file, or replace a field of the request. The database has the same list (`is_reserved_parameter`).
 */
const RESERVED = [
  /^(n|id|count|model|prompt|messages|seconds|duration|size|resolution|width|height|user|metadata|maxcredits|dryrun)$/,
  /^(frameimages|bestof|remixof|stream|repeat|outputs|generations|constructor|prototype|tojson)$/,
  /^(n|nb|no|num|numberof|total)(frames|outputs|videos|images|samples|seconds|generations|results|varia|clips|segments)/,
  /^(video|clip|output|total)?(length|duration)/,
  /^(batch|varia(nts|tions)|lora|extra|api|customllm|inputreference|inputimage|webhook|callback|remixedfrom|save|storage)/,
  /(counts?|frames|seconds|duration|quantity|paths?|urls?|uris?|files?|dirs?|fileids?|hooks?|callbacks?)$/,
  /(upscal|path|bucket|folder)/,
];

export function isReserved(name: string): boolean {
  return RESERVED.some((pattern) => pattern.test(spelled(name)));
}

/** Servers may take names of one spelling for one. */
const spelled = (name: string) => name.toLowerCase().replaceAll('_', '');

const notReserved = (name: string) => !isReserved(name);
const RESERVED_FAULT =
  'must be another name: this one is a field of every request, or could make the provider make more than was paid for, or use files';

const named = {
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,63}$/, 'must be a name like fps')
    .refine(notReserved, RESERVED_FAULT),
  sent_as: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, 'must be a name like num_inference_steps')
    .refine(notReserved, RESERVED_FAULT)
    .optional(),
};
const measured = { ...named, price: PriceEffect.optional() };
const chosen = { ...named, price: z.record(z.string(), PriceEffect).optional() };
const bound = z.number().min(-LARGEST).max(LARGEST);
const choice = z.union([z.string().min(1).max(100), z.number()]);

const Numeric = (type: 'integer' | 'number') =>
  z.strictObject({
    ...{ type: z.literal(type), ...measured, min: bound, max: bound },
    ...{ step: z.number().positive().optional(), default: bound.optional() },
  });

const Parameter = z
  .discriminatedUnion('type', [
    Numeric('integer'),
    Numeric('number'),
    z.strictObject({
      ...{ type: z.literal('string'), ...measured },
      ...{ max_length: z.number().int().min(1).max(4000), default: z.string().optional() },
    }),
    z.strictObject({
      ...{ type: z.literal('images'), name: z.enum(['frame_images', 'input_references']) },
      ...{ max_items: z.number().int().min(1).max(8), price: PriceEffect.optional() },
    }),
    z.strictObject({ type: z.literal('boolean'), ...chosen, default: z.boolean().optional() }),
    z.strictObject({
      type: z.literal('enum'),
      ...chosen,
      values: z.array(choice).min(1).max(64),
      default: choice.optional(),
    }),
  ])
  .superRefine((parameter, context) => {
    const fault = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (parameter.type === 'images' && parameter.name === 'frame_images' && parameter.max_items > 2) {
      fault('max_items', 'must be 1 or 2: the first frame, or the first and the last');
    }
    if ('min' in parameter) {
      if (parameter.min > parameter.max) fault('max', 'must not be below min');
      const { min, max, default: preset = min } = parameter;
      if (preset < min || preset > max) fault('default', 'must be from min to max');
    }
    if (parameter.type !== 'boolean' && parameter.type !== 'enum') return;
    const values = parameter.type === 'boolean' ? ['true', 'false'] : parameter.values.map(String);
    if (new Set(values).size < values.length) fault('values', 'must be different');
    if (parameter.default !== undefined && !values.includes(String(parameter.default))) {
      fault('default', 'must be one of the values');
    }
    if (parameter.price !== undefined && parameter.default === undefined) {
      fault('default', 'must be given beside a price: the provider’s own may be the dear one');
    }
    const other = Object.keys(parameter.price ?? {}).find((value) => !values.includes(value));
    if (other !== undefined) fault('price', `must only name values, and ${other} is none`);
  });

const Parameters = z
  .array(Parameter)
  .max(32)
  .superRefine((parameters, context) => {
    const names = parameters.map(({ name }) => name);
    const sent = parameters.map((each) => spelled(('sent_as' in each ? each.sent_as : undefined) ?? each.name));
    for (const [place, name] of names.entries()) {
      const fault = (field: string, message: string) =>
        context.addIssue({ code: 'custom', path: [place, field], message });
      if (names.indexOf(name) < place) fault('name', 'must not be the name of another parameter');
      else if (sent.indexOf(spelled(sent[place] ?? name)) < place) {
        fault('sent_as', 'must not be what another parameter is sent as');
      }
    }
  });

const second = z.number().int().min(1).max(60);

/** A list, or a range with a step. */
const Lengths = z
  .union([z.array(second).min(1).max(60), z.strictObject({ min: second, max: second, step: second.default(1) })])
  .transform((lengths) =>
    Array.isArray(lengths)
      ? [...new Set(lengths)].toSorted((a, b) => a - b)
      : Array.from({ length: 60 }, (_, n) => lengths.min + n * lengths.step).filter((length) => length <= lengths.max),
  )
  .refine((lengths) => lengths.length > 0, 'must not be an empty range');

export const videoSize = z
  .string()
  .regex(/^([1-9]\d{1,4}x[1-9]\d{1,4}|[1-9]\d{2,4}p|[1-9]\d?k)$/, 'must be like 720x1280, 720p or 4k');

/** The terms of an offer, without its model. What is left out is as in the offer that a first price makes. */
export const terms = {
  provider: providerName.optional(),
  provider_model: providerModel.optional(),
  lengths: Lengths.optional(),
  length_field: z.enum(['seconds', 'duration']).optional(),
  size_field: z.enum(['size', 'resolution']).optional(),
  parameters: Parameters.optional(),
  prompt_flags: z.enum(['allow', 'refuse']).optional(),
  charge_rule: z.enum(['as_made', 'as_sold']).optional(),
};
