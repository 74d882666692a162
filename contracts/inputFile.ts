/** An image that a client sends with its request. */
export interface InputFile {
  readonly bytes: Uint8Array;
  readonly contentType: string;
  readonly filename: string;
}
