import { fileTypeFromBuffer } from 'file-type';
import type { InputFile } from '../../contracts/inputFile.ts';
import { fileTooLarge, invalid } from '../http/errors.ts';

const MAXIMUM_FILE_BYTES = 10 * 1024 * 1024;
const IMAGE_TYPES = ['image/jpeg', 'image/png', 'image/webp'];

/** A file of a form. Raises `ApiError` when it is too large or no image. */
export async function fromFile(file: File): Promise<InputFile> {
  if (file.size > MAXIMUM_FILE_BYTES) throw fileTooLarge('input_reference');
  return fromBytes('input_reference', new Uint8Array(await file.arrayBuffer()));
}

/** A file as a base64 `data:` URL. Raises `ApiError` when it is too large or no image. */
export async function fromDataUrl(url: string): Promise<InputFile> {
  const bytes = Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
  if (bytes.length > MAXIMUM_FILE_BYTES) throw fileTooLarge('input_reference.image_url');
  return fromBytes('input_reference.image_url', bytes);
}

/** As much as the detector needs; more of a hostile file would keep it busy for seconds. */
const DETECTED_BYTES = 4100;

/** The bytes decide the type, not the client's header; the client's file name is dropped. */
async function fromBytes(param: string, bytes: Uint8Array): Promise<InputFile> {
  const mime = (await fileTypeFromBuffer(bytes.subarray(0, DETECTED_BYTES)))?.mime;
  if (mime === undefined || !IMAGE_TYPES.includes(mime)) {
    throw invalid(param, 'must be a JPEG, PNG or WebP image');
  }
  return { bytes, contentType: mime, filename: `input_reference.${mime.slice('image/'.length)}` };
}
