/** An assignment of a `.env`, or a line that Node's parser would skip or misread without a word. */
export interface EnvLine {
  /** Counted from 1; of a value with several lines, the first. */
  readonly number: number;
  readonly name?: string | undefined;
  readonly fault?: 'no_assignment' | 'open_quote';
}

const BLANK = /[^\S\n]*(?:#[^\n]*)?(?:\n|$)/y;
const UNQUOTED = /[^\S\n]*(?:export[^\S\n]+)?([A-Za-z_]\w*)[^\S\n]*=[^\S\n]*(?:[^\s"'`][^\n]*)?(?:\n|$)/y;
/** May have several lines. Only a comment may follow the closing quote. */
const QUOTED =
  /[^\S\n]*(?:export[^\S\n]+)?([A-Za-z_]\w*)[^\S\n]*=[^\S\n]*(["'`])(?:(?!\2)[^])*\2[^\S\n]*(?:#[^\n]*)?(?:\n|$)/y;
const BEGINS_QUOTED = /[^\S\n]*(?:export[^\S\n]+)?[A-Za-z_]\w*[^\S\n]*=[^\S\n]*["'`]/y;

/** The assignments of a `.env`, up to and including the first line with a fault. */
export function readEnvLines(text: string): EnvLine[] {
  const lines: EnvLine[] = [];
  let at = 0;
  let number = 1;
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  while (at < text.length) {
    const blank = match(BLANK);
    const found = blank ?? match(UNQUOTED) ?? match(QUOTED);
    if (found === null) {
      lines.push({ number, fault: match(BEGINS_QUOTED) === null ? 'no_assignment' : 'open_quote' });
      return lines;
    }
    if (blank === null) lines.push({ number, name: found[1] });
    number += found[0].split('\n').length - 1;
    at += found[0].length;
  }
  return lines;
}
