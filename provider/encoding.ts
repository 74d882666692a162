import { IMAGE_FIELDS, type InputFile, type InputImage } from '../contracts/inputFile.ts';
import type { CreateEncoding, Dialect } from './dialects/index.ts';
import { encodeMultipart } from './multipart.ts';
import type { SentLabels, VideoRequest } from './types.ts';

/** What `client.post` takes: an object is sent as JSON, bytes as they are. */
export interface EncodedCreate {
  readonly body: Uint8Array | Record<string, unknown>;
  readonly headers?: Record<string, string>;
}

/** The fields of a body that carry the labels. */
export interface EncodedLabels {
  readonly user?: string;
  readonly metadata?: Record<string, string>;
}

export function encodeLabels({ user, metadata }: SentLabels): EncodedLabels {
  return {
    ...(user !== null && { user }),
    ...(Object.keys(metadata).length > 0 && { metadata: { ...metadata } }),
  };
}

/** How a body of POST /videos is written. */
export interface CreateForm extends Pick<Dialect['create'], 'jsonReference' | 'imageLists'> {
  readonly encoding: CreateEncoding;
}

/**
 * The body of POST /videos. `seconds` is a string on the wire, as OpenAI has it; `duration` a number, as gateways have it.
 * Parameters keep their type in JSON, and are text in a form. They come first: none replaces a field of the request. Undefined
 * where the provider can't take its images.
 */
export function encodeCreate(
  request: VideoRequest,
  form: CreateForm,
  labels: EncodedLabels,
): EncodedCreate | undefined {
  const { prompt, model, size, images = [] } = request;
  const { lengthField = 'seconds', sizeField = 'size', parameters = {} } = request;
  const seconds = lengthField === 'seconds' ? String(request.seconds) : request.seconds;
  const fields = { ...parameters, model, prompt, [lengthField]: seconds, [sizeField]: size };
  const [reference] = images.filter(({ role }) => role === 'input_reference');
  const lists = images.filter((image) => image !== reference);
  if (lists.length > 0 && form.imageLists === null) return undefined;
  if (lists.length > 0 && form.imageLists === 'image_reference') {
    const list = JSON.stringify(lists.map((image) => ({ image_url: dataUrlOf(image) })));
    return encodeForm({ ...fields, image_reference: list }, labels, {});
  }
  if (lists.length === 0 && form.encoding === 'multipart') {
    return encodeForm(fields, labels, reference === undefined ? {} : { input_reference: reference });
  }
  return {
    body: { ...fields, ...labels, ...namedLists(lists), ...referenceOf(reference, form.jsonReference) },
  };
}

function encodeForm(
  fields: Readonly<Record<string, unknown>>,
  { metadata, ...user }: EncodedLabels,
  files: Record<string, InputFile>,
): EncodedCreate {
  // As JSON in one field, which gateways read; fields of their own would be unknown parameters.
  const texts = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]));
  const sent = { ...texts, ...user, ...(metadata !== undefined && { metadata: JSON.stringify(metadata) }) };
  const encoded = encodeMultipart(sent, files);
  return { body: encoded.body, headers: { 'content-type': encoded.contentType } };
}

/** As OpenRouter has them, and LiteLLM. */
function namedLists(images: readonly InputImage[]): Record<string, object[]> {
  const lists: Record<string, object[]> = {};
  for (const image of images) {
    const item = { type: 'image_url', image_url: { url: dataUrlOf(image) } };
    const list = (lists[IMAGE_FIELDS[image.role]] ??= []);
    list.push(image.role === 'reference' ? item : { ...item, frame_type: image.role });
  }
  return lists;
}

function referenceOf(image: InputImage | undefined, field: CreateForm['jsonReference']): Record<string, unknown> {
  if (image === undefined) return {};
  const url = dataUrlOf(image);
  return field === 'reference_url' ? { reference_url: url } : { input_reference: { image_url: url } };
}

function dataUrlOf({ contentType, bytes }: InputFile): string {
  return `data:${contentType};base64,${Buffer.from(bytes).toString('base64')}`;
}
