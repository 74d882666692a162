import { fileTypeFromBuffer } from 'file-type';
import { imageFilename, type ImageRole, type InputImage } from '../../contracts/inputFile.ts';
import { fileTooLarge, invalid } from '../http/errors.ts';
import type { FrameImages, InputReferences } from './imageFields.ts';

const MAXIMUM_BYTES = 10 * 1024 * 1024;
const IMAGE_TYPES = ['image/jpeg', 'image/png', 'image/webp'];

/** An image where it stands in the request: a file of a form, or a base64 `data:` URL. */
interface Source {
  readonly role: ImageRole;
  readonly param: string;
  readonly image: File | string;
}

export interface GivenImages {
  readonly input_reference: Source | null;
  readonly frame_images?: FrameImages | undefined;
  readonly input_references?: InputReferences | undefined;
}

/** The images of a request, the first frame first. Raises `ApiError` where one is too large or no image, and for a wrong set. */
export async function readImages({
  input_reference: one,
  frame_images: frames,
  input_references: many,
}: GivenImages): Promise<InputImage[]> {
  if (frames !== undefined && (one ?? many) != null) {
    throw invalid('frame_images', 'must be left out beside input_reference and input_references');
  }
  if (many !== undefined && one !== null) throw invalid('input_references', 'must be left out beside input_reference');
  const sources = [
    ...(one === null ? [] : [one]),
    ...(frames === undefined ? [] : framesOf(frames)),
    ...(many ?? []).map((item, place) => sourceOf('reference', 'input_references', place, item.image_url.url)),
  ];
  return imagesOf(sources);
}

/** A last frame alone would be taken for the first one by a provider that knows frames by their order. */
function framesOf(frames: FrameImages): Source[] {
  const sources = frames.map(({ frame_type: role, image_url: { url } }, place) =>
    sourceOf(role, 'frame_images', place, url),
  );
  const [first, last] = sources.toSorted((a, b) => a.role.localeCompare(b.role));
  if (first?.role !== 'first_frame' || last?.role === 'first_frame') {
    throw invalid('frame_images', 'must have one first_frame, and may have one last_frame');
  }
  return last === undefined ? [first] : [first, last];
}

function sourceOf(role: ImageRole, field: string, place: number, image: File | string): Source {
  return { role, param: `${field}.${place}.image_url.url`, image };
}

async function imagesOf(sources: readonly Source[]): Promise<InputImage[]> {
  const images: InputImage[] = [];
  let left = MAXIMUM_BYTES;
  for (const source of sources) {
    const image = await imageOf(source, left);
    images.push(image);
    left -= image.bytes.length;
  }
  return images;
}

async function imageOf({ role, param, image }: Source, maximumBytes: number): Promise<InputImage> {
  if (typeof image !== 'string' && image.size > maximumBytes) throw fileTooLarge(param);
  const bytes =
    typeof image === 'string'
      ? Buffer.from(image.slice(image.indexOf(',') + 1), 'base64')
      : new Uint8Array(await image.arrayBuffer());
  if (bytes.length > maximumBytes) throw fileTooLarge(param);
  const contentType = await typeOf(param, bytes);
  return { role, bytes, contentType, filename: imageFilename(role, contentType) };
}

/** As much as the detector needs; more of a hostile file would keep it busy for seconds. */
const DETECTED_BYTES = 4100;

/** The bytes decide the type, not the client's header. */
async function typeOf(param: string, bytes: Uint8Array): Promise<string> {
  const mime = (await fileTypeFromBuffer(bytes.subarray(0, DETECTED_BYTES)))?.mime;
  if (mime === undefined || !IMAGE_TYPES.includes(mime)) {
    throw invalid(param, 'must be a JPEG, PNG or WebP image');
  }
  return mime;
}
