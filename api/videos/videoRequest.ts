import { z } from '@hono/zod-openapi';
import type { InputFile } from '../../contracts/inputFile.ts';
import type { Generation, Labels } from '../../store/index.ts';
import { labelFields, toLabels, withMetadata } from '../generations/labels.ts';
import { maxCredits, payingBody, toMaximum } from '../generations/payingRequest.ts';
import { invalid } from '../http/errors.ts';
import { EXAMPLE } from '../http/examples.ts';
import { oneOf } from '../http/issues.ts';
import { plainText } from '../http/schemas.ts';
import { fromDataUrl, fromFile } from './inputReference.ts';

/** A client's request for a video, whichever way it was encoded. */
export interface VideoRequest {
  readonly model: string;
  readonly seconds: number;
  readonly size: string;
  readonly prompt: string;
  /** The client's ceiling: a higher price is refused, not reserved. Null for no ceiling. */
  readonly maxMicrocredits: number | null;
  readonly inputReference: InputFile | null;
  /** The id of the video that this one remixes. */
  readonly remixOf: string | null;
  readonly labels: Labels;
}

/** OpenAI's request to create a video, as its SDKs send it: multipart or JSON. */

export const SECONDS = ['4', '8', '12', '16', '20'] as const;

const fields = {
  prompt: plainText(32_000).openapi({ example: 'a red fox runs through fresh snow' }),
  model: plainText(100).default('sora-2').openapi({ example: 'sora-2' }),
  seconds: z.enum(SECONDS, `must be ${oneOf(SECONDS)}, as text`).default('4'),
  size: plainText(20).default('720x1280').openapi({ example: '720x1280' }),
  max_credits: maxCredits('The video is refused if it costs more than this.'),
  ...labelFields,
};

const dataUrl = z
  .string()
  .regex(/^data:/, 'must be a data: URL; other addresses are not fetched')
  .regex(
    /^data:image\/(jpeg|png|webp);base64,[A-Za-z0-9+/]+={0,2}$/,
    'must be a base64 data: URL of a JPEG, PNG or WebP image',
  );

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

export const CreateVideoJson = payingBody({ ...fields, input_reference: InputReference.optional() }).openapi(
  'CreateVideoBody',
  {
    example: EXAMPLE.createVideo,
  },
);

export const CreateVideoForm = withMetadata(
  payingBody({
    ...fields,
    input_reference: z
      .instanceof(File, { error: 'must be a file' })
      .refine((file) => file.size > 0, 'must not be empty')
      .optional()
      .openapi({ type: 'string', format: 'binary' }),
    'input_reference[image_url]': dataUrl.optional(),
  }),
).openapi('CreateVideoForm', { example: EXAMPLE.createVideo });

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
    return toRequest(fields, reference === undefined ? null : await fromDataUrl(reference.image_url));
  }
  const { input_reference: file, 'input_reference[image_url]': url, ...fields } = form();
  const fromUrl = url === undefined ? null : await fromDataUrl(url);
  return toRequest(fields, file === undefined ? fromUrl : await fromFile(file));
}

/** The type of a body that was read, which may have either. Raises `invalid_request` when there is none. */
export function requireType(contentType: string | undefined): 'json' | 'form' {
  if (contentType === undefined) throw invalid('prompt', 'is required');
  return contentType === 'application/json' ? 'json' : 'form';
}

function toRequest(
  { model, prompt, size, seconds, max_credits, ...labels }: Omit<CreateVideoJson, 'input_reference'>,
  inputReference: InputFile | null,
): VideoRequest {
  const maxMicrocredits = toMaximum(max_credits);
  return {
    ...{ model, prompt, size, seconds: Number(seconds) },
    ...{ maxMicrocredits, inputReference, remixOf: null, labels: toLabels(labels) },
  };
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
    ...{ model, seconds, size, prompt, maxMicrocredits },
    ...{ inputReference: null, remixOf: id, labels: toLabels(labels) },
  };
}

/** The body of a claim, which is optional. */
export const ClaimVideo = payingBody({
  max_credits: maxCredits('The claim is refused if it costs more than this.'),
}).openapi('ClaimVideoBody', { example: { max_credits: '0.6' } });
