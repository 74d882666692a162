import { MIMEType } from 'node:util';

/** A `Content-Type` header, by the rules of browsers: any case, order, quoting and space. */
export interface MediaType {
  /** Lower case, without parameters. */
  readonly essence: string;
  readonly charset: string | undefined;
  readonly boundary: string | undefined;
}

/** Undefined for a header that is missing or malformed. */
export function readMediaType(header: string | undefined): MediaType | undefined {
  if (header === undefined) return undefined;
  try {
    const { essence, params } = new MIMEType(header);
    const charset = params.get('charset')?.toLowerCase();
    return { essence, charset, boundary: params.get('boundary') ?? undefined };
  } catch {
    return undefined;
  }
}

/** JSON is UTF-8 (RFC 8259, 8.1), and US-ASCII is a part of it. */
export function isJson(type: MediaType | undefined): boolean {
  return type?.essence === 'application/json' && isUtf8(type);
}

export function isForm(type: MediaType | undefined): boolean {
  return type?.essence === 'multipart/form-data' && isUtf8(type);
}

function isUtf8({ charset }: MediaType): boolean {
  return charset === undefined || ['utf-8', 'utf8', 'us-ascii'].includes(charset);
}
