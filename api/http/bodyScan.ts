import { ApiError, bodyTooLarge } from './errors.ts';

/** Checks a body chunk by chunk while it is read. Raises `ApiError` at the first byte that makes it unacceptable. */
export interface BodyScan {
  readonly chunk: (bytes: Uint8Array) => void;
}

const MAXIMUM_DEPTH = 32;
/** A valid request has a few hundred values at most; `JSON.parse` takes seconds for millions. */
const MAXIMUM_VALUES = 20_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);
const SEPARATING = new Set([0x2c, 0x3a]);
const DATA_URL = Buffer.from('data:');

/**
 * Limits the depth of JSON, the number of its values, and its bytes outside of strings that begin with `data:`. It does not
 * check that the JSON is well-formed: `JSON.parse` does, in a time that these limits bound.
 */
export class JsonScan implements BodyScan {
  private depth = 0;
  private values = 0;
  private plainBytes = 0;
  private inString = false;
  private escaped = false;
  /** How many bytes of `data:` the current string has matched; -1 once it differs. */
  private matched = -1;

  /** `maximumPlainBytes` counts all bytes that are not inside a `data:` string. */
  constructor(private readonly maximumPlainBytes: number) {}

  chunk(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (this.inString) this.insideString(byte);
      else this.outsideString(byte);
    }
    if (this.plainBytes > this.maximumPlainBytes) throw bodyTooLarge(this.maximumPlainBytes, 'without its image it');
  }

  private insideString(byte: number): void {
    if (this.matched === DATA_URL.length) {
      if (byte === QUOTE && !this.escaped) this.inString = false;
    } else {
      this.plainBytes += 1;
      if (byte === QUOTE && !this.escaped) this.inString = false;
      else this.matched = this.matched >= 0 && byte === DATA_URL[this.matched] ? this.matched + 1 : -1;
    }
    this.escaped = byte === BACKSLASH && !this.escaped;
  }

  private outsideString(byte: number): void {
    this.plainBytes += 1;
    if (byte === QUOTE) {
      this.inString = true;
      this.escaped = false;
      this.matched = 0;
    } else if (OPENING.has(byte)) {
      this.depth += 1;
      if (this.depth > MAXIMUM_DEPTH) throw tooComplex(`is nested more than ${MAXIMUM_DEPTH} levels deep`);
    } else if (CLOSING.has(byte)) this.depth -= 1;
    else if (SEPARATING.has(byte)) {
      this.values += 1;
      if (this.values > MAXIMUM_VALUES) throw tooComplex(`has more than ${MAXIMUM_VALUES} values`);
    }
  }
}

const MAXIMUM_PARTS = 32;

/** Limits the number of parts of a multipart body. */
export class PartsScan implements BodyScan {
  private parts = 0;
  /** The end of the previous chunk, which may contain the beginning of a delimiter. */
  private rest: Buffer = Buffer.alloc(0);

  constructor(private readonly delimiter: Buffer) {}

  chunk(bytes: Uint8Array): void {
    const text = Buffer.concat([this.rest, bytes]);
    let at = text.indexOf(this.delimiter);
    let from = 0;
    while (at >= 0) {
      this.parts += 1;
      // One more, because the end of the body has a delimiter too.
      if (this.parts > MAXIMUM_PARTS + 1) throw tooComplex(`has more than ${MAXIMUM_PARTS} parts`);
      from = at + this.delimiter.length;
      at = text.indexOf(this.delimiter, from);
    }
    this.rest = text.subarray(Math.max(from, text.length - this.delimiter.length + 1));
  }
}

function tooComplex(what: string): ApiError {
  return new ApiError('invalid_request', `The body ${what}.`);
}
