import { z } from '@hono/zod-openapi';
import { JsonScan } from '../http/bodyScan.ts';

/** The images of a request for a video: never an address or a path that anybody would fetch from (MR-89). */

export const dataUrl = z
  .string()
  .regex(/^data:/, 'must be a data: URL; other addresses are not fetched')
  .regex(
    /^data:image\/(jpeg|png|webp);base64,[A-Za-z0-9+/]+={0,2}$/,
    'must be a base64 data: URL of a JPEG, PNG or WebP image',
  );

export const file = z
  .instanceof(File, { error: 'must be a file' })
  .refine(({ size }) => size > 0, 'must not be empty')
  .openapi({ type: 'string', format: 'binary' });

const MOST_FRAMES = 2;
const MOST_REFERENCES = 8;

const FRAMES = ['first_frame', 'last_frame'] as const;

const frames = z.enum(FRAMES);
const imageOf = <Url extends z.ZodType>(image_url: Url) => ({ type: z.literal('image_url').optional(), image_url });
const FRAMES_ARE =
  'The first frame of the video, and perhaps its last one, for a model that is sold with frame_images.';
const REFERENCES_ARE = 'Images that guide the video, for a model that is sold with input_references.';

const ImageUrl = z.strictObject({ url: dataUrl }).openapi('ImageUrl', {
  example: { url: 'data:image/png;base64,iVBORw0KGgo=' },
});
const FrameImage = z.strictObject({ ...imageOf(ImageUrl), frame_type: frames }).openapi('FrameImage');
const ReferenceImage = z.strictObject(imageOf(ImageUrl)).openapi('ReferenceImage');

export const imageLists = {
  frame_images: z.array(FrameImage).min(1).max(MOST_FRAMES).optional().openapi({ description: FRAMES_ARE }),
  input_references: z
    .array(ReferenceImage)
    .min(1)
    .max(MOST_REFERENCES)
    .optional()
    .openapi({ description: REFERENCES_ARE }),
};

/** In a form an image may also be a file. */
const formImage = imageOf(
  z.strictObject({
    url: z.custom<File | string>().superRefine((value, context) => {
      const fault = (value instanceof File ? file : dataUrl).safeParse(value).error?.issues[0];
      if (fault !== undefined) context.addIssue({ code: 'custom', message: fault.message });
    }),
  }),
);
/** As text: Swagger UI can't show an empty list of files. */
const listAsText = { type: 'string' } as const;

export const formImageLists = {
  frame_images: z
    .array(z.strictObject({ ...formImage, frame_type: frames }))
    .min(1)
    .max(MOST_FRAMES)
    .optional()
    .openapi({
      ...listAsText,
      description: `${FRAMES_ARE} The list in JSON; files are taken too, frames in their order.`,
    }),
  input_references: z
    .array(z.strictObject(formImage))
    .min(1)
    .max(MOST_REFERENCES)
    .optional()
    .openapi({
      ...listAsText,
      description: `${REFERENCES_ARE} The list in JSON; files are taken too.`,
    }),
};

export type FrameImages = NonNullable<z.output<typeof formImageLists.frame_images>>;
export type InputReferences = NonNullable<z.output<typeof formImageLists.input_references>>;

/** The depth and the number of values are bounded before it is parsed. */
const MAXIMUM_JSON_BYTES = 64 * 1024;

/**
 * For forms, where nothing is nested. A list of images is its JSON in one field; or the files alone, frames in their order; or
 * `name[][image_url][url]` and so on, as OpenAI's SDKs encode a list of objects.
 */
export function withImages<Schema extends z.ZodType>(schema: Schema) {
  return z
    .transform((fields: unknown, context) => {
      if (typeof fields !== 'object' || fields === null) return fields;
      const given: Record<string, unknown> = { ...fields };
      for (const name of ['frame_images', 'input_references']) {
        const list = takeList(given, name);
        if (list === undefined) continue;
        if (list === null) {
          const message = 'must be files, or the JSON of a list of images';
          context.addIssue({ code: 'custom', message, path: [name] });
        } else given[name] = list;
      }
      return given;
    })
    .pipe(schema);
}

/** Takes what stands for the list out of the fields. Undefined: nothing does; null: it can't be read. */
function takeList(fields: Record<string, unknown>, name: string): unknown {
  const [json, files, urls, types, kinds] = ['', '[]', '[][image_url][url]', '[][frame_type]', '[][type]'].map(
    (end) => {
      const value = fields[name + end];
      Reflect.deleteProperty(fields, name + end);
      return value === undefined ? undefined : [value].flat();
    },
  );
  const ways = [json, files, urls].filter((way) => way !== undefined);
  if (ways.length === 0) return types === undefined && kinds === undefined ? undefined : null;
  const [way = []] = ways;
  if (ways.length > 1) return null;
  if (json?.length === 1 && typeof json[0] === 'string') return parsed(json[0]);
  if (urls === undefined && !way.every((value) => value instanceof File)) return null;
  if ([types, kinds].some((each) => each !== undefined && each.length !== way.length)) return null;
  return way.map((url, place) => ({
    image_url: { url },
    ...(kinds !== undefined && { type: kinds[place] }),
    ...(name === 'frame_images' && { frame_type: types === undefined ? FRAMES[place] : types[place] }),
  }));
}

function parsed(json: string): unknown {
  try {
    new JsonScan(MAXIMUM_JSON_BYTES).chunk(Buffer.from(json));
    return JSON.parse(json);
  } catch {
    return null;
  }
}
