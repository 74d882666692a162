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
export interface CreateForm {
  readonly encoding: CreateEncoding;
  readonly jsonReference: Dialect['create']['jsonReference'];
}

/**
 * The body of POST /videos. `seconds` is a string on the wire, as OpenAI has it; `duration` a number, as gateways have it.
 * Parameters keep their type in JSON, and are text in a form. They come first: none replaces a field of the request.
 */
export function encodeCreate(request: VideoRequest, form: CreateForm, labels: EncodedLabels): EncodedCreate {
  const { prompt, model, size, inputReference } = request;
  const { lengthField = 'seconds', sizeField = 'size', parameters = {} } = request;
  const seconds = lengthField === 'seconds' ? String(request.seconds) : request.seconds;
  const fields = { ...parameters, model, prompt, [lengthField]: seconds, [sizeField]: size };
  if (form.encoding === 'multipart') {
    const { metadata, ...user } = labels;
    // As JSON in one field, which gateways read; fields of their own would be unknown parameters.
    const texts = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]));
    const sent = { ...texts, ...user, ...(metadata !== undefined && { metadata: JSON.stringify(metadata) }) };
    const encoded = encodeMultipart(sent, inputReference === undefined ? {} : { input_reference: inputReference });
    return { body: encoded.body, headers: { 'content-type': encoded.contentType } };
  }
  if (inputReference === undefined) return { body: { ...fields, ...labels } };
  const url = `data:${inputReference.contentType};base64,${Buffer.from(inputReference.bytes).toString('base64')}`;
  const reference =
    form.jsonReference === 'reference_url' ? { reference_url: url } : { input_reference: { image_url: url } };
  return { body: { ...fields, ...labels, ...reference } };
}
