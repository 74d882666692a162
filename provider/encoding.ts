import type { VideoRequest } from './types.ts';

/** Most servers take multipart, as the SDKs send it; some (older SGLang) refuse it without a file. */
export type CreateEncoding = 'multipart' | 'json';

/** What `client.post` takes: an object is sent as JSON, bytes as they are. */
export interface EncodedCreate {
  readonly body: Uint8Array | Record<string, unknown>;
  readonly headers?: Record<string, string>;
}

/** The body of POST /videos. `seconds` is a string on the wire, whatever its value: gateways know more than 4, 8, 12. */
export async function encodeCreate(request: VideoRequest, encoding: CreateEncoding): Promise<EncodedCreate> {
  const { prompt, model, size, inputReference } = request;
  const fields = { model, prompt, seconds: String(request.seconds), size };
  if (encoding === 'multipart') return encodeForm(fields, inputReference);
  if (inputReference === undefined) return { body: fields };
  const data = Buffer.from(inputReference.bytes).toString('base64');
  return { body: { ...fields, input_reference: { image_url: `data:${inputReference.contentType};base64,${data}` } } };
}

async function encodeForm(
  fields: Record<string, string>,
  file: VideoRequest['inputReference'],
): Promise<EncodedCreate> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  if (file !== undefined) {
    form.append('input_reference', new Blob([new Uint8Array(file.bytes)], { type: file.contentType }), file.filename);
  }
  // Encoded here and not by the SDK: it refuses to upload with a `fetch` that isn't of Node's own FormData.
  const encoded = new Response(form);
  const contentType = encoded.headers.get('content-type') ?? 'multipart/form-data';
  return { body: new Uint8Array(await encoded.arrayBuffer()), headers: { 'content-type': contentType } };
}
