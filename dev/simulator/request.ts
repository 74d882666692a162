import type { Context } from 'hono';
import { z } from 'zod';
import { ApiError, type Env } from './errors.ts';

const PRO_SIZES = ['1080x1920', '1920x1080'];
const IMAGES = ['image/jpeg', 'image/png', 'image/webp', 'video/mp4'];

const reference = z.union([
  z.instanceof(File).refine((file) => IMAGES.includes(file.type), 'Unsupported file type.'),
  z.strictObject({ image_url: z.string().min(1) }),
]);

const image = {
  type: z.literal('image_url'),
  image_url: z.strictObject({ url: z.string().startsWith('data:image/') }),
};
const frame_type = z.enum(['first_frame', 'last_frame']);

const prompt = z.string().min(1).max(32_000);

/** What `POST /v1/videos` accepts. Any model name is known here, as on a proxy. */
export const createSchema = z
  .strictObject({
    prompt,
    model: z
      .string()
      .regex(/^[\w.:/-]{1,100}$/)
      .default('sora-2'),
    seconds: z.enum(['4', '8', '12', '16', '20']).default('4'),
    size: z.enum(['720x1280', '1280x720', '1024x1792', '1792x1024', ...PRO_SIZES]).default('720x1280'),
    input_reference: reference.optional(),
    // As gateways have them, in JSON alone.
    frame_images: z
      .array(z.strictObject({ ...image, frame_type }))
      .min(1)
      .max(2)
      .optional(),
    input_references: z.array(z.strictObject(image)).min(1).max(8).optional(),
  })
  .refine(({ model, size }) => !model.startsWith('sora-2') || model.includes('pro') || !PRO_SIZES.includes(size), {
    path: ['size'],
    message: 'This size needs sora-2-pro.',
  });

/** What engines accept: any length and size, and they ignore what they don't know. */
export const engineSchema = z.object({
  prompt,
  model: z.string().min(1).max(200).default('sora-2'),
  seconds: z.coerce
    .string()
    .regex(/^[1-9]\d{0,3}$/)
    .default('4'),
  size: z
    .string()
    .regex(/^\d{1,5}x\d{1,5}$/)
    .default('720x1280'),
});

/** 16:9, with even sides, as `[height]p` is made. */
const sidesOf = (resolution: string) => {
  const height = Number.parseInt(resolution, 10);
  return `${Math.round((height * 8) / 9) * 2}x${height}`;
};

/** What a gateway to many models accepts: any length that is sold, a size or a resolution, and whatever else its models know. */
export const gatewaySchema = engineSchema
  .extend({
    seconds: z.coerce
      .string()
      .regex(/^([1-9]|[1-5]\d|60)$/)
      .default('4'),
    size: engineSchema.shape.size.unwrap().optional(),
    resolution: z
      .string()
      .regex(/^\d{3,4}p$/)
      .optional(),
  })
  .transform(({ size, resolution, ...asked }) => ({
    ...asked,
    size: size ?? (resolution === undefined ? '720x1280' : sidesOf(resolution)),
  }));

/** What `POST /v1/videos/{id}/remix` accepts. */
export const remixSchema = z.strictObject({ prompt });

/** What `GET /v1/videos` accepts. */
export const listSchema = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  order: z.enum(['asc', 'desc']).default('desc'),
  after: z.string().optional(),
});

/** Reads a JSON or multipart body; `a[b]` fields of a form become objects, as OpenAI's SDKs write them. */
export async function readBody(c: Context<Env>): Promise<Record<string, unknown>> {
  const type = c.req.header('content-type') ?? '';
  if (type.startsWith('application/json')) return asObject(await c.req.json<unknown>().catch(() => undefined));
  if (!type.startsWith('multipart/form-data') && !type.startsWith('application/x-www-form-urlencoded')) {
    throw new ApiError(415, 'unsupported_media_type', `Unsupported Content-Type: '${type}'.`);
  }
  const form = await c.req.parseBody().catch(() => undefined);
  const body: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(asObject(form))) {
    const [, outer, inner] = /^(\w+)\[(\w+)\]$/.exec(name) ?? [];
    if (outer === undefined || inner === undefined) body[name] = value;
    else body[outer] = { ...(body[outer] as object | undefined), [inner]: value };
  }
  return body;
}

/** Parses by a schema; the first error becomes a 400 that names its parameter. */
export function parse<T extends z.ZodType>(schema: T, body: Record<string, unknown>): z.output<T> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  if (issue?.code === 'unrecognized_keys') {
    const name = [...issue.path, issue.keys[0]].join('.');
    throw new ApiError(400, 'unknown_parameter', `Unknown parameter: '${name}'.`, name);
  }
  const param = String(issue?.path[0] ?? '');
  if (body[param] === undefined) {
    throw new ApiError(400, 'missing_required_parameter', `Missing required parameter: '${param}'.`, param);
  }
  throw new ApiError(400, 'invalid_value', `Invalid value for '${param}': ${issue?.message ?? ''}`, param);
}

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new ApiError(400, 'invalid_request', 'We could not parse the body of your request.');
}
