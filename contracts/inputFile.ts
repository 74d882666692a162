/** A file that a client sends with its request. */
export interface InputFile {
  readonly bytes: Uint8Array;
  readonly contentType: string;
  readonly filename: string;
}

/** What an image is for, and the field of the request that has it. */
export const IMAGE_FIELDS = {
  input_reference: 'input_reference',
  first_frame: 'frame_images',
  last_frame: 'frame_images',
  reference: 'input_references',
} as const;
export type ImageRole = keyof typeof IMAGE_FIELDS;

export interface InputImage extends InputFile {
  readonly role: ImageRole;
}

/** Its own name is of no use to anybody. */
export function imageFilename(role: ImageRole, contentType: string): string {
  return `${role}.${contentType.slice('image/'.length)}`;
}
