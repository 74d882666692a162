/** The output of the stack: plain lines, as readable in a log file as on a terminal. */

const plain = !process.stdout.isTTY || (process.env['NO_COLOR'] ?? '') !== '';
const colours: Record<string, number> = { postgres: 34, temporal: 35, migrate: 36, simulator: 33, worker: 32, api: 96 };
const width = Math.max(...Object.keys(colours).map((name) => name.length));

/** A closed pipe must not stop the stack; only signals do. */
export function surviveClosedOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** `worker    | text`, with a coloured name on a terminal unless NO_COLOR is set. */
export function prefixed(name: string, text: string, colourless = plain): string {
  const label = `${name.padEnd(width)} |`;
  const colour = colours[name];
  return colourless || colour === undefined ? `${label} ${text}` : `\u001b[${colour}m${label}\u001b[0m ${text}`;
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
