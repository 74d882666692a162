interface Told {
  /** A string that is a value has begun; `isItem` in an array. */
  readonly begun: (isItem: boolean) => void;
  readonly more: (text: string) => void;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '', f: '' };

/** Finds the strings that are values in JSON that arrives in pieces, and tells what they say as far as it has arrived. */
export class StringsInJson {
  /** What is open around the place that is read: `{` or `[`. */
  private readonly open: string[] = [];
  private isValue = false;
  private inString = false;
  /** An escape that is not whole yet. */
  private escape = '';
  private found = '';

  constructor(private readonly told: Told) {}

  add(json: string): void {
    for (const character of json) {
      if (this.inString) this.inside(character);
      else this.outside(character);
    }
    this.tell();
  }

  private outside(character: string): void {
    if (character === '{' || character === '[') this.open.push(character);
    else if (character === '}' || character === ']') this.open.pop();
    if (character === ':' || character === '[') this.isValue = true;
    if (character === ',') this.isValue = this.isInArray;
    if (character !== '"') return;
    this.inString = true;
    if (this.isValue) this.told.begun(this.isInArray);
  }

  private inside(character: string): void {
    if (this.escape !== '' || character === '\\') this.escaped(character);
    else if (character !== '"') this.found += character;
    else {
      this.tell();
      this.inString = false;
      this.isValue = false;
    }
  }

  private escaped(character: string): void {
    this.escape += character;
    const [, kind = '', digits = ''] = /^\\(.)?(.*)$/.exec(this.escape) ?? [];
    if (kind === '' || (kind === 'u' && digits.length < 4)) return;
    this.found += kind === 'u' ? String.fromCharCode(parseInt(digits, 16)) : (ESCAPES[kind] ?? kind);
    this.escape = '';
  }

  /** Half of a surrogate pair waits for the other. */
  private tell(): void {
    const isHalf = /[\ud800-\udbff]$/.test(this.found);
    const text = isHalf ? this.found.slice(0, -1) : this.found;
    this.found = isHalf ? this.found.slice(-1) : '';
    if (this.isValue && text !== '') this.told.more(text);
  }

  private get isInArray(): boolean {
    return this.open.at(-1) === '[';
  }
}
