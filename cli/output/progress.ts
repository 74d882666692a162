import { clock } from './time.ts';

/** What is known of a video that is waited for. */
export interface Waiting {
  readonly id: string;
  readonly status: string;
  readonly progress: number;
  readonly elapsedSeconds: number;
  /** As `typical 1–4 min`; undefined where nothing is known. */
  readonly typical: string | undefined;
  /** As `0.571429`. */
  readonly amount: string;
  /** The API does not answer at the moment. */
  readonly isCutOff: boolean;
}

export function resumeHint(id: string): string {
  return `Ctrl-C is safe: holdfast watch ${id}`;
}

/** The line in full where the terminal is wide enough; else without what `resumeHint` has said before it. */
export function progressLine(waiting: Waiting, columns: number): string {
  const { id, amount } = waiting;
  const [state, credits] = [stateOf(waiting), `${amount} credits held`];
  const shorter = [`${id} ${state} · ${credits} · ${resumeHint(id)}`, `${state} · ${credits}`, state];
  // The last column stays free, because some terminals begin a new line after it.
  return shorter.find((line) => line.length < columns) ?? '';
}

/** Whether the line has room for `resumeHint`, which is else printed once above it. */
export function hasRoomForHint(waiting: Waiting, columns: number): boolean {
  return progressLine(waiting, columns).includes(resumeHint(waiting.id));
}

function stateOf({ status, progress, elapsedSeconds, typical, isCutOff }: Waiting): string {
  const words = status.replace('_', ' ');
  const percent = progress > 0 ? ` ${progress} %` : '';
  const around = typical === undefined ? '' : ` (${typical})`;
  return `${words}${percent} ${clock(elapsedSeconds)}${around}${isCutOff ? ' · the API does not answer' : ''}`;
}

/** From how long videos like it took: `typical 1–4 min`. Fewer than three say nothing. */
export function typicalTime(seconds: readonly number[]): string | undefined {
  if (seconds.length < 3) return undefined;
  const sorted = seconds.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.round(part * (sorted.length - 1))] ?? 0;
  const [least, most] = [Math.max(1, at(0.1)), Math.max(1, at(0.9))];
  const [unit, from, to] =
    most < 90
      ? ['s', Math.floor(least), Math.ceil(most)]
      : ['min', Math.max(1, Math.floor(least / 60)), Math.ceil(most / 60)];
  return `typical ${from === to ? '' : `${from}–`}${to} ${unit}`;
}
