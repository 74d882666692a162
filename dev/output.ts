import { inWords } from '../platform/logWords.ts';

/** The output of the stack: on a terminal for people, elsewhere for programs: without colours, the log's lines as JSON. */

const { stdout } = process;
// `hasColors` honours NO_COLOR.
const coloured = stdout.isTTY && stdout.hasColors();
const colours: Record<string, number> = { postgres: 34, temporal: 35, simulator: 33, worker: 32, api: 96 };
const width = Math.max(...Object.keys(colours).map((name) => name.length));

/** A closed pipe must not stop the stack; only signals do. */
export function surviveClosedOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}

export function say(line: string): void {
  stdout.write(`${line}\n`);
}

export function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Prints a line of a part's output behind the part's name; on a terminal a line of the log is put in words. */
export function show(name: string, line: string): void {
  const lines = stdout.isTTY ? inWords(line, coloured).split('\n') : [line];
  for (const each of lines) say(prefixed(name, each, coloured));
}

/** `worker    | text`, the name coloured or not. */
export function prefixed(name: string, text: string, inColour: boolean): string {
  const label = `${name.padEnd(width)} |`;
  const colour = colours[name];
  return inColour && colour !== undefined ? `\u001b[${colour}m${label}\u001b[0m ${text}` : `${label} ${text}`;
}

/** A duration as "0.7 s". */
export function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}

/** Awaits a step and prints how long it took: "PostgreSQL ready in 0.7 s". */
export async function timed<T>(what: string, step: Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await step;
  say(`  ${what} ready in ${seconds(performance.now() - began)}`);
  return result;
}
