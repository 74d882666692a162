import { z } from '@hono/zod-openapi';
import type { InputImage } from '../../contracts/inputFile.ts';
import type { Generation, Labels } from '../../store/index.ts';
import { labelFields, toLabels, withMetadata } from '../generations/labels.ts';
import { maxCredits, payingBody, toMaximum } from '../generations/payingRequest.ts';
import type { FieldNames } from '../generations/refusedField.ts';
import { invalid } from '../http/errors.ts';
import { EXAMPLE } from '../http/examples.ts';
import { plainText } from '../http/schemas.ts';
import { dataUrl, file, formImageLists, imageLists, withImages } from './imageFields.ts';
import { type GivenImages, readImages } from './inputImages.ts';
import { toParameters } from './parameters.ts';

/** A client's request for a video, whichever way it was encoded. */
export interface VideoRequest {
  readonly model: string;
  /** Null: as the offer says. */
  readonly seconds: number | null;
  readonly size: string | null;
  readonly prompt: string;
  /** What else is asked for; the offer of the model says whether it is sold. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The client's words where it has two for a field. */
  readonly names: FieldNames;
  /** The client's ceiling: a higher price is refused, not reserved. Null for no ceiling. */
  readonly maxMicrocredits: number | null;
  readonly images: readonly InputImage[];
  /** The id of the video that this one remixes. */
  readonly remixOf: string | null;
  readonly labels: Labels;
}

/** OpenAI's request to create a video, as its SDKs send it: multipart or JSON. */

const fields = {
  prompt: plainText(32_000).openapi({ example: 'a red fox runs through fresh snow' }),
  model: plainText(100).default('sora-2').openapi({ example: 'sora-2' }),
  seconds: plainText(20).optional().openapi({
    example: '4',
    description: 'Without it 4 seconds where the model has that length, else its shortest one.',
  }),
  duration: z
    .union([plainText(20), z.number()])
    .optional()
    .openapi({
      example: 4,
      description: 'Another word for seconds; send one of them.',
    }),
  size: plainText(20).optional().openapi({
    example: '720x1280',
    description: 'Without it 720x1280 where the model has that size, else its cheapest one.',
  }),
  resolution: plainText(20).optional().openapi({
    example: '720p',
    description: 'Another word for size; send one of them.',
  }),
  max_credits: maxCredits('The video is refused if it costs more than this.'),
  ...labelFields,
};

const InputReference = z
  .strictObject(
    { image_url: dataUrl },
    {
      error: (issue) =>
        issue.code === 'unrecognized_keys' && issue.keys.includes('file_id')
          ? 'must be left out, because no files are kept here: send the image in image_url, as a base64 data: URL'
          : undefined,
    },
  )
  .openapi('InputReference');

const further = z.unknown().openapi({
  description: 'A parameter that the model is sold with: GET /v1/models lists them. Any other field is refused.',
});

const known = z.object({ ...fields, input_reference: InputReference.optional(), ...imageLists });

/** A schema with a `catchall` would leave this field out without a word, where a strict one refuses it. */
function refusingProto<Schema extends z.ZodType>(schema: Schema) {
  return z
    .transform((fields: unknown, context) => {
      if (typeof fields === 'object' && fields !== null && Object.hasOwn(fields, '__proto__')) {
        context.addIssue({ code: 'unrecognized_keys', keys: ['__proto__'], input: {} });
      }
      return fields;
    })
    .pipe(schema);
}

/** Every further field is a parameter: what the model is not sold with is refused (MR-93). */
export const CreateVideoJson = refusingProto(known.catchall(further)).openapi('CreateVideoBody', {
  example: EXAMPLE.createVideo,
});

const form = z
  .object({
    ...fields,
    input_reference: file.optional(),
    'input_reference[image_url]': dataUrl.optional(),
    ...formImageLists,
  })
  .catchall(further);

export const CreateVideoForm = refusingProto(withImages(withMetadata(form))).openapi('CreateVideoForm', {
  example: EXAMPLE.createVideo,
});

/** The fields of a request that are no parameters. */
export type CreateVideoFields = z.output<typeof known>;
export type CreateVideoJson = z.output<typeof CreateVideoJson>;
export type CreateVideoForm = z.output<typeof CreateVideoForm>;

/** Reads the body of either type. Raises `ApiError` when there is none, or for an unusable file. */
export async function readCreateVideo(
  contentType: string | undefined,
  json: () => CreateVideoJson,
  form: () => CreateVideoForm,
): Promise<VideoRequest> {
  if (requireType(contentType) === 'json') {
    const { input_reference: reference, ...fields } = json();
    return toRequest(fields, reference?.image_url, 'input_reference.image_url');
  }
  const { input_reference: file, 'input_reference[image_url]': url, ...fields } = form();
  return file === undefined
    ? toRequest(fields, url, 'input_reference.image_url')
    : toRequest(fields, file, 'input_reference');
}

/** The type of a body that was read, which may have either. Raises `invalid_request` when there is none. */
export function requireType(contentType: string | undefined): 'json' | 'form' {
  if (contentType === undefined) throw invalid('prompt', 'is required');
  return contentType === 'application/json' ? 'json' : 'form';
}

type Fields = Omit<CreateVideoFields, 'input_reference' | 'frame_images' | 'input_references'> &
  Omit<GivenImages, 'input_reference'>;

async function toRequest(fields: Fields, reference: File | string | undefined, param: string): Promise<VideoRequest> {
  const { model, prompt, seconds, duration, size, resolution, max_credits, user, metadata, ...others } = fields;
  const { frame_images, input_references, ...further } = others;
  if (seconds !== undefined && duration !== undefined) throw invalid('duration', 'must be left out beside seconds');
  if (size !== undefined && resolution !== undefined) throw invalid('resolution', 'must be left out beside size');
  const input_reference =
    reference === undefined ? null : { role: 'input_reference' as const, param, image: reference };
  return {
    images: await readImages({ input_reference, frame_images, input_references }),
    ...{ model, prompt, seconds: toSeconds(seconds ?? duration), size: size ?? resolution ?? null },
    ...{ maxMicrocredits: toMaximum(max_credits), remixOf: null, labels: toLabels({ user, metadata }) },
    // Whether the model is sold with so many of them is its offer's to say.
    parameters: {
      ...toParameters(further),
      ...(frame_images && { frame_images: frame_images.length }),
      ...(input_references && { input_references: input_references.length }),
    },
    names: {
      ...(duration !== undefined && { seconds: 'duration' }),
      ...(resolution !== undefined && { size: 'resolution' }),
    },
  };
}

/** What is no whole number of seconds is a length that nobody sells. */
function toSeconds(length: string | number | undefined): number | null {
  if (length === undefined) return null;
  return /^[1-9]\d?$/.test(String(length)) ? Number(length) : 0;
}

/** OpenAI's request to remix a video: everything but the prompt is the original's, and its labels are its own. */
const remix = payingBody({ prompt: fields.prompt, max_credits: fields.max_credits, ...labelFields });
const remixExample = { example: { prompt: 'the same fox, at night' } };

export const RemixVideo = remix.openapi('RemixVideoBody', remixExample);
export const RemixVideoForm = withMetadata(remix).openapi('RemixVideoForm', remixExample);

export type RemixRequest = z.output<typeof RemixVideo>;

/** The request for a new video that a remix amounts to. */
export function readRemix(
  { prompt, max_credits, ...labels }: RemixRequest,
  { id, model, seconds, size }: Pick<Generation, 'id' | 'model' | 'seconds' | 'size'>,
): VideoRequest {
  const maxMicrocredits = toMaximum(max_credits);
  return {
    ...{ model, seconds, size, prompt, maxMicrocredits, parameters: {}, names: {} },
    ...{ images: [], remixOf: id, labels: toLabels(labels) },
  };
}

/** The body of a claim, which is optional. */
export const ClaimVideo = payingBody({
  max_credits: maxCredits('The claim is refused if it costs more than this.'),
}).openapi('ClaimVideoBody', { example: { max_credits: '0.6' } });
