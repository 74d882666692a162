import { randomBytes } from 'node:crypto';
import type { InputFile } from '../contracts/inputFile.ts';

/**
 * A multipart/form-data body that sends its values byte for byte. `FormData` would turn each line feed into CR LF, and a
 * video with a prompt of two lines would then not be recognised in the provider's list.
 */
export function encodeMultipart(
  fields: Record<string, string>,
  files: Record<string, InputFile>,
): { readonly body: Uint8Array; readonly contentType: string } {
  // 144 random bits: no value can contain it by chance or on purpose.
  const boundary = `holdfast-${randomBytes(18).toString('hex')}`;
  const part = (header: string, value: Uint8Array) => [
    Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; ${header}\r\n\r\n`),
    value,
    Buffer.from('\r\n'),
  ];
  const chunks = [
    ...Object.entries(fields).flatMap(([name, value]) => part(`name="${escaped(name)}"`, Buffer.from(value))),
    ...Object.entries(files).flatMap(([name, { filename, contentType, bytes }]) =>
      part(
        `name="${escaped(name)}"; filename="${escaped(filename)}"\r\ncontent-type: ${contentType.replace(/[\r\n]/g, '')}`,
        bytes,
      ),
    ),
    Buffer.from(`--${boundary}--\r\n`),
  ];
  return { body: new Uint8Array(Buffer.concat(chunks)), contentType: `multipart/form-data; boundary=${boundary}` };
}

/** As browsers do: escapes only what would end the quoted name or the header. */
function escaped(name: string): string {
  return name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}
