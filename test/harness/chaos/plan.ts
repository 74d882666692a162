import type { Kind } from './options.ts';
import type { Random } from './random.ts';

/** Which fault strikes what, and when. Computed from the seed alone, before anything runs. */

export const PROCESSES = ['worker-1', 'worker-2', 'api-1', 'api-2'] as const;
export const SERVERS = ['postgres', 'temporal', 'provider'] as const;
export const PARTS = [...PROCESSES, ...SERVERS] as const;

export type ProcessName = (typeof PROCESSES)[number];
export type ServerName = (typeof SERVERS)[number];
export type PartName = (typeof PARTS)[number];

/** The way from one of our processes, or from all of them, to a server. */
export interface Way {
  readonly from: ProcessName | 'all';
  readonly to: ServerName;
}

export type Strike =
  | { readonly kind: 'kill'; readonly part: PartName; readonly how: 'first' | 'all' | 'child'; readonly draw: number }
  | { readonly kind: 'pause'; readonly part: PartName; readonly duration_ms: number }
  | { readonly kind: 'cut'; readonly way: Way }
  | { readonly kind: 'block'; readonly way: Way; readonly how: 'held' | 'refused'; readonly duration_ms: number }
  | { readonly kind: 'lose'; readonly way: Way; readonly duration_ms: number }
  | { readonly kind: 'outage'; readonly how: 'reset' | 'hang' | '503'; readonly duration_ms: number }
  | { readonly kind: 'terminate'; readonly draw: number }
  | { readonly kind: 'reset'; readonly draw: number; readonly taskDraw: number; readonly closed: boolean };

export type PlannedStrike = Strike & { readonly at_ms: number };

const WEIGHTS: Record<Kind, number> = {
  kill: 30,
  pause: 12,
  cut: 14,
  block: 12,
  lose: 8,
  outage: 7,
  terminate: 8,
  reset: 9,
};

/** On average; more would leave two cores with nothing but starts of processes. */
const GAP_MS = 2200;

/**
 * What delays a create on its way makes its video come late. Together these must stay well below the time for which a lost
 * create is looked for (35 s here, 150 s by default), so they never follow one another.
 */
const LONGEST_DELAY_MS = 20_000;
const DELAYED_AGAIN_AFTER_MS = 40_000;

export function planStrikes(random: Random, faults_ms: number, kinds: readonly Kind[]): PlannedStrike[] {
  const strikes: PlannedStrike[] = [];
  const weights = kinds.map((kind) => [WEIGHTS[kind], kind] as const);
  if (weights.length === 0) return strikes;
  const first = kinds.includes('kill')
    ? partsThatDie(faults_ms).map((part) => ({ ...killOf(random, part), at_ms: random.next() * faults_ms }))
    : [];
  for (let at_ms = random.next() * GAP_MS; at_ms < faults_ms; at_ms += random.next() * 2 * GAP_MS) {
    strikes.push({ ...strikeOf(random, random.weighted(weights), faults_ms - at_ms), at_ms });
  }
  return withoutLongDelays([...strikes, ...first].sort((a, b) => a.at_ms - b.at_ms));
}

/** Each at least once; in a short time one of each kind, for a start takes seconds. */
function partsThatDie(faults_ms: number): readonly PartName[] {
  return faults_ms < 60_000 ? PARTS.filter((part) => !part.endsWith('-2')) : PARTS;
}

function strikeOf(random: Random, kind: Kind, left_ms: number): Strike {
  const duration_ms = Math.min(
    left_ms,
    random.weighted([
      [5, 3000],
      [3, 8000],
      [2, LONGEST_DELAY_MS],
    ]) *
      (0.3 + 0.7 * random.next()),
  );
  switch (kind) {
    case 'kill':
      return killOf(random, random.pick(PARTS));
    case 'pause':
      return { kind, part: random.pick(PARTS), duration_ms };
    case 'cut':
      return { kind, way: wayOf(random) };
    case 'block':
      return { kind, way: wayOf(random), how: random.pick(['held', 'refused']), duration_ms };
    case 'lose':
      return { kind, way: wayOf(random), duration_ms: Math.min(duration_ms, 6000) };
    case 'outage':
      return { kind, how: random.pick(['reset', 'hang', '503']), duration_ms };
    case 'terminate':
      return { kind, draw: random.next() };
    case 'reset':
      return { kind, draw: random.next(), taskDraw: random.next(), closed: random.chance(0.2) };
  }
}

function killOf(random: Random, part: PartName): Strike {
  const how = part === 'postgres' ? random.pick(['first', 'all', 'child'] as const) : 'all';
  return { kind: 'kill', part, how, draw: random.next() };
}

function wayOf(random: Random): Way {
  const to = random.weighted([
    [4, 'postgres'],
    [3, 'temporal'],
    [3, 'provider'],
  ] as const);
  // A generation is bound to its provider's address, so all go there by one way.
  return { from: to === 'provider' ? 'all' : random.pick([...PROCESSES, 'all', 'all']), to };
}

/** Turns what would delay the provider's creates twice in a row into a cut of its connections. */
function withoutLongDelays(strikes: readonly PlannedStrike[]): PlannedStrike[] {
  let from_ms = 0;
  return strikes.map((strike) => {
    if (!delaysCreates(strike)) return strike;
    if (strike.at_ms < from_ms) return { kind: 'cut', way: { from: 'all', to: 'provider' }, at_ms: strike.at_ms };
    from_ms = strike.at_ms + DELAYED_AGAIN_AFTER_MS;
    return strike;
  });
}

function delaysCreates(strike: Strike): boolean {
  if (strike.kind === 'pause') return strike.part === 'provider';
  return strike.kind === 'block' && strike.how === 'held' && strike.way.to === 'provider';
}

/** As the log of the run and the table of faults name it. */
export function nameOf(strike: Strike): string {
  switch (strike.kind) {
    case 'kill':
      return `kill -9 ${strike.part}${strike.part === 'postgres' ? ` (${strike.how})` : ''}`;
    case 'pause':
      return `SIGSTOP ${strike.part}`;
    case 'cut':
      return `connections ${ways(strike.way)} reset`;
    case 'block':
      return `connections ${ways(strike.way)} ${strike.how}`;
    case 'lose':
      return `answers ${ways(strike.way)} lost`;
    case 'outage':
      return `provider outage: ${strike.how}`;
    case 'terminate':
      return 'workflow terminated';
    case 'reset':
      return strike.closed ? 'closed workflow reset' : 'running workflow reset';
  }
}

function ways({ from, to }: Way): string {
  return from === 'all' ? `to ${to}` : `${from} → ${to}`;
}
