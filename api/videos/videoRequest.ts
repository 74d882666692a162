import { z } from '@hono/zod-openapi';
import { fileTypeFromBuffer } from 'file-type';
import { parseCredits } from '../../contracts/money.ts';
import type { Generation } from '../../store/index.ts';
import { ApiError, bodyTooLarge, unsupportedMediaType } from '../http/errors.ts';
import { EXAMPLE } from '../http/examples.ts';
import { plainText } from '../http/schemas.ts';

/** What a client asks for, however it was encoded. */
export interface VideoRequest {
  readonly model: string;
  readonly seconds: number;
  readonly size: string;
  readonly prompt: string;
  /** More than this is refused instead of reserved; null: whatever it costs. */
  readonly maxMicrocredits: number | null;
  readonly inputReference: { bytes: Uint8Array; contentType: string; filename: string } | null;
  /** The video that it is made from. */
  readonly remixOf: string | null;
}

/** OpenAI's create, as its SDKs send it: multipart, or JSON. */

export const SECONDS = ['4', '8', '12', '16', '20'] as const;

const MAXIMUM_FILE_BYTES = 10 * 1024 * 1024;
const IMAGE_TYPES = ['image/jpeg', 'image/png', 'image/webp'];

type Reference = NonNullable<VideoRequest['inputReference']>;

/** A ceiling, as text or as a number. */
export const maxCredits = (description: string) =>
  z.coerce
    .string()
    .regex(/^\d{1,9}(\.\d{1,6})?$/, 'must be a decimal number of credits, like "0.6"')
    .optional()
    .openapi({ type: ['string', 'number'], example: '0.6', description });

const fields = {
  prompt: plainText(32_000).openapi({ example: 'a red fox runs through fresh snow' }),
  model: plainText(100).default('sora-2').openapi({ example: 'sora-2' }),
  seconds: z.enum(SECONDS, `must be one of ${SECONDS.map((s) => `"${s}"`).join(', ')}, as text`).default('4'),
  size: plainText(20).default('720x1280').openapi({ example: '720x1280' }),
  max_credits: maxCredits('The video is refused if it costs more than this.'),
};

const dataUrl = z
  .string()
  .regex(/^data:/, 'must be a data: URL; other addresses are not fetched')
  .regex(
    /^data:image\/(jpeg|png|webp);base64,[A-Za-z0-9+/]+={0,2}$/,
    'must be a base64 data: URL of a JPEG, PNG or WebP image',
  );

/** Strict: a field that is not known here could make the provider do more than is paid for (MR-93). */
export const CreateVideoJson = z
  .strictObject({ ...fields, input_reference: z.strictObject({ image_url: dataUrl }).optional() })
  .openapi('CreateVideo', { example: EXAMPLE.createVideo });

export const CreateVideoForm = z
  .strictObject({
    ...fields,
    input_reference: z
      .instanceof(File, { error: 'must be a file' })
      .refine((file) => file.size > 0, 'must not be empty')
      .optional()
      .openapi({ type: 'string', format: 'binary' }),
    'input_reference[image_url]': dataUrl.optional(),
  })
  .openapi('CreateVideoForm', { example: EXAMPLE.createVideo });

export type CreateVideoJson = z.output<typeof CreateVideoJson>;
export type CreateVideoForm = z.output<typeof CreateVideoForm>;

/** Either form of the body as one request. Raises `ApiError` where neither was sent, or the file is too large. */
export async function readCreateVideo(
  contentType: string | undefined,
  json: () => CreateVideoJson,
  form: () => CreateVideoForm,
): Promise<VideoRequest> {
  if (contentType === undefined) {
    throw new ApiError('invalid_request', 'prompt: is required. Nothing was held.', { param: 'prompt' });
  }
  if (/^application\/json\b/i.test(contentType)) {
    const { seconds, input_reference, max_credits, ...rest } = json();
    return {
      ...rest,
      seconds: Number(seconds),
      maxMicrocredits: toMaximum(max_credits),
      inputReference: input_reference === undefined ? null : await fromDataUrl(input_reference.image_url),
      remixOf: null,
    };
  }
  if (!/^multipart\/form-data\b/i.test(contentType)) throw unsupportedMediaType();
  const { seconds, input_reference: file, 'input_reference[image_url]': url, max_credits, ...rest } = form();
  const fromUrl = url === undefined ? null : await fromDataUrl(url);
  const inputReference = file === undefined ? fromUrl : await fromFile(file);
  return {
    ...rest,
    seconds: Number(seconds),
    maxMicrocredits: toMaximum(max_credits),
    inputReference,
    remixOf: null,
  };
}

/** OpenAI's remix: everything but the prompt is the original's. */
export const RemixVideo = z
  .strictObject({ prompt: fields.prompt, max_credits: fields.max_credits })
  .openapi('RemixVideo', { example: { prompt: 'the same fox, at night' } });

export type RemixRequest = z.output<typeof RemixVideo>;

/** A remix as a request. */
export function readRemix(
  { prompt, max_credits }: RemixRequest,
  { id, model, seconds, size }: Pick<Generation, 'id' | 'model' | 'seconds' | 'size'>,
): VideoRequest {
  const maxMicrocredits = toMaximum(max_credits);
  return { model, seconds, size, prompt, maxMicrocredits, inputReference: null, remixOf: id };
}

/** The body of a claim, which may be left out. */
export const ClaimVideo = z
  .strictObject({ max_credits: maxCredits('The claim is refused if it costs more than this.') })
  .openapi('ClaimVideo', { example: { max_credits: '0.6' } });

export function toMaximum(credits: string | undefined): number | null {
  return credits === undefined ? null : parseCredits(credits);
}

async function fromFile(file: File): Promise<Reference> {
  if (file.size > MAXIMUM_FILE_BYTES) throw bodyTooLarge();
  return fromBytes('input_reference', new Uint8Array(await file.arrayBuffer()));
}

async function fromDataUrl(url: string): Promise<Reference> {
  const bytes = Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
  if (bytes.length > MAXIMUM_FILE_BYTES) throw bodyTooLarge();
  return fromBytes('input_reference.image_url', bytes);
}

/** What a detector needs of a file; more of a hostile one would keep it busy for seconds. */
const DETECTED_BYTES = 4100;

/** The bytes decide what it is, not what the client calls it; nor does the client's file name go any further. */
async function fromBytes(param: string, bytes: Uint8Array): Promise<Reference> {
  const mime = (await fileTypeFromBuffer(bytes.subarray(0, DETECTED_BYTES)))?.mime;
  if (mime === undefined || !IMAGE_TYPES.includes(mime)) {
    throw new ApiError('invalid_request', `${param}: must be a JPEG, PNG or WebP image. Nothing was held.`, { param });
  }
  return { bytes, contentType: mime, filename: `input_reference.${mime.slice('image/'.length)}` };
}
