import { clean } from '../output/clean.ts';
import { StringsInJson } from './stringsInJson.ts';

/** Prints the texts in a model's JSON while it arrives: a title, a text, or posts with their numbers. */
export class TextPrinter {
  /** All of the JSON so far. */
  received = '';
  private printed = '';
  private readonly strings: StringsInJson;

  constructor(
    private readonly print: (text: string) => void,
    private readonly isSilent: boolean,
  ) {
    let count = 0;
    this.strings = new StringsInJson({
      begun: (isItem) => {
        count += 1;
        this.write(`${this.printed === '' ? '' : '\n\n'}${isItem ? `${count}. ` : ''}`);
      },
      more: (text) => this.write(text),
    });
  }

  get hasPrinted(): boolean {
    return this.printed !== '';
  }

  add(delta: string): void {
    this.received += delta;
    this.strings.add(delta);
  }

  /** An empty line before what is said about the text. */
  end(): void {
    if (this.hasPrinted) this.write('\n\n');
  }

  private write(text: string): void {
    if (this.isSilent) return;
    this.printed += text;
    this.print(clean(text));
  }
}
