/** What the stack says on the terminal: plain lines, so that a log file of them reads as well as a screen. */

const plain = !process.stdout.isTTY || (process.env['NO_COLOR'] ?? '') !== '';
const colours: Record<string, number> = { postgres: 34, temporal: 35, migrate: 36, simulator: 33, worker: 32, api: 96 };
const width = Math.max(...Object.keys(colours).map((name) => name.length));

/** A reader that went away (a closed pipe) must not stop the stack: it is stopped by signals only. */
export function surviveClosedOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** `worker    | text`, the name coloured on a terminal that wants colours. */
export function prefixed(name: string, text: string, colourless = plain): string {
  const label = `${name.padEnd(width)} |`;
  const colour = colours[name];
  return colourless || colour === undefined ? `${label} ${text}` : `\u001b[${colour}m${label}\u001b[0m ${text}`;
}

/** "0.7 s": how the durations of the start are written. */
export function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}

/** Runs a slow step and says how long it took: "PostgreSQL ready in 0.7 s". */
export async function timed<T>(what: string, step: Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await step;
  say(`  ${what} ready in ${seconds(performance.now() - began)}`);
  return result;
}
