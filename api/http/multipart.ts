import { ApiError, malformed } from './errors.ts';

/**
 * Reads a whole multipart/form-data body (RFC 7578). Written by hand because `Response.formData()` decodes a part without a
 * file name as text, which destroys a file. Its parts are counted while the body arrives (`PartsScan`).
 */

const CRLF = Buffer.from('\r\n');
const END_OF_HEADERS = Buffer.from('\r\n\r\n');
const MAXIMUM_HEADER_BYTES = 16 * 1024;
/** The limit of RFC 2046. */
const MAXIMUM_BOUNDARY = 70;

/** The line that separates the parts, without its end. Raises `invalid_request` for a boundary that is missing or not legal. */
export function delimiterOf(boundary: string | undefined): Buffer {
  if (boundary === undefined || !/^[\x20-\x7e]*[\x21-\x7e]$/.test(boundary) || boundary.length > MAXIMUM_BOUNDARY) {
    throw new ApiError(
      'invalid_request',
      `The Content-Type must name a boundary of 1 to ${MAXIMUM_BOUNDARY} characters.`,
      {
        advice: 'HTTP clients set it by themselves when they send a form.',
      },
    );
  }
  return Buffer.from(`--${boundary}`, 'latin1');
}

/** A part is a file if it has a file name, or if its content is not text. Raises `invalid_request` for a malformed body. */
export function readForm(body: Buffer<ArrayBuffer>, delimiter: Buffer): FormData {
  const form = new FormData();
  const separator = Buffer.concat([CRLF, delimiter]);
  let at = startOf(body, delimiter, separator);
  for (;;) {
    const lineEnd = body.indexOf(CRLF, at);
    const line = body.subarray(at, lineEnd === -1 ? body.length : lineEnd).toString('latin1');
    if (/^--[ \t]*$/.test(line)) return form;
    if (lineEnd === -1 || !/^[ \t]*$/.test(line)) throw notMultipart();
    const next = body.indexOf(separator, lineEnd);
    if (next === -1) throw notMultipart();
    addPart(form, body.subarray(lineEnd, next));
    at = next + separator.length;
  }
}

/** Where the rest of the first delimiter's line begins. */
function startOf(body: Buffer, delimiter: Buffer, separator: Buffer): number {
  if (body.subarray(0, delimiter.length).equals(delimiter)) return delimiter.length;
  const first = body.indexOf(separator);
  if (first === -1) throw notMultipart();
  return first + separator.length;
}

/** `part` begins with the end of its delimiter's line. */
function addPart(form: FormData, part: Buffer<ArrayBuffer>): void {
  const end = part.indexOf(END_OF_HEADERS);
  if (end === -1 || end > MAXIMUM_HEADER_BYTES) throw notMultipart();
  const { name, filename } = dispositionOf(part.subarray(0, end).toString('utf8'));
  const content = part.subarray(end + END_OF_HEADERS.length);
  const text = filename === undefined ? textOf(content) : undefined;
  if (text === undefined) form.append(name, new File([content], filename ?? ''));
  else form.append(name, text);
}

const DISPOSITION = /\r\ncontent-disposition:[ \t]*form-data[ \t]*(;[^\r\n]*)/i;
const PARAMETER = /;[ \t]*([\w*!#$&+.^`|~%'-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))[ \t]*/gy;

function dispositionOf(headers: string): { name: string; filename: string | undefined } {
  const parameters = new Map<string, string>();
  for (const [, name = '', quoted, token = ''] of (DISPOSITION.exec(headers)?.[1] ?? '').matchAll(PARAMETER)) {
    parameters.set(name.toLowerCase(), quoted?.replace(/\\(["\\])/g, '$1') ?? token);
  }
  const name = parameters.get('name');
  if (name === undefined) throw notMultipart();
  // The name of a file is not used: what counts is that there is one.
  return { name, filename: parameters.get('filename') ?? parameters.get('filename*') };
}

/** Undefined for bytes that are not UTF-8: no image is. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const notMultipart = () => malformed('multipart/form-data');
