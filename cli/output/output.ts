import { styleText } from 'node:util';
import type { World } from '../world.ts';
import { asJson, cleaned, oneLine } from './clean.ts';

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';
/** Colours a text where that is wanted. */
export type Paint = (style: Style, text: string) => string;

/** What is for people or programs goes to stdout; what happens meanwhile, and why a command failed, to stderr. */
export class Output {
  readonly paint: Paint;

  constructor(
    private readonly world: Pick<World, 'env' | 'stdout' | 'stderr'>,
    readonly isJson: boolean,
  ) {
    const isColoured = world.stdout.isTTY === true && !world.env['NO_COLOR'] && world.env['TERM'] !== 'dumb';
    this.paint = (style, text) => (isColoured ? styleText(style, text, { validateStream: false }) : text);
  }

  /** The width of the terminal; of what is no terminal, one that cuts nothing. */
  get columns(): number {
    return this.world.stdout.isTTY === true ? this.world.stdout.columns || 80 : Infinity;
  }

  /** The result of a command: with `--json` the value as it is, else what `lines` makes of its cleaned texts. */
  print<Value>(value: Value, lines: (value: Value, paint: Paint) => readonly string[]): void {
    if (this.isJson) this.raw(`${asJson(value)}\n`);
    else for (const line of lines(cleaned(value), this.paint)) this.raw(`${line}\n`);
  }

  /** For people only, and already clean. */
  say(line: string): void {
    if (!this.isJson) this.raw(`${line}\n`);
  }

  /** A line on what happens or has failed. */
  tell(line: string): void {
    this.world.stderr.write(`${oneLine(line)}\n`);
  }

  /** As it stands: the caller has made sure that no terminal gets control characters of others. */
  raw(text: string): void {
    this.world.stdout.write(text);
  }
}
