import type { Random } from './random.ts';

/** Kinds of faults that strike from outside; what prompts ask of the provider, and what clients do, is always there. */
export const KINDS = [
  'kill',
  'pause',
  'cut',
  'block',
  'lose',
  'outage',
  'terminate',
  'reset',
  'settings',
  'upgrade',
] as const;

export type Kind = (typeof KINDS)[number];

/** How each provider speaks, and what the file says of it. */
export interface Speech {
  readonly spoken: string;
  readonly configured: string;
}

/** Which fault strikes what, and when. Computed from the seed alone, before anything runs. */

export const PROCESSES = ['worker-1', 'worker-2', 'api-1', 'api-2'] as const;
export const PROVIDERS = ['provider-1', 'provider-2'] as const;
export const SERVERS = ['postgres', 'temporal', ...PROVIDERS] as const;
export const PARTS = [...PROCESSES, ...SERVERS] as const;

export type ProcessName = (typeof PROCESSES)[number];
/** As the file of providers calls it; the first is the default one. */
export type ProviderName = (typeof PROVIDERS)[number];
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
  | {
      readonly kind: 'outage';
      readonly provider: ProviderName;
      readonly how: 'reset' | 'hang' | '503';
      readonly duration_ms: number;
    }
  | {
      readonly kind: 'settings';
      readonly provider: ProviderName;
      /** `removed`: taken out of the file, and put back after its time. */
      readonly change: 'key' | 'url' | 'removed';
      readonly duration_ms: number;
    }
  | {
      readonly kind: 'upgrade';
      /** Of the first try of each of its commands. */
      readonly killedAfter_ms: number;
    }
  | { readonly kind: 'terminate'; readonly draw: number }
  | { readonly kind: 'reset'; readonly draw: number; readonly taskDraw: number; readonly closed: boolean };

export type PlannedStrike = Strike & { readonly at_ms: number };

/** All but those that are planned by themselves. */
type DrawnKind = Exclude<Kind, 'settings' | 'upgrade'>;

const WEIGHTS: Record<DrawnKind, number> = {
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

/** From this on there is time for a provider that is down for long, and for every part to die. */
const LONG_MS = 60_000;

/**
 * What delays a create on its way makes its video come late. Together these must stay well below the time for which a lost
 * create is looked for (35 s here, 150 s by default), so they never follow one another.
 */
const LONGEST_DELAY_MS = 20_000;
const DELAYED_AGAIN_AFTER_MS = 40_000;

export function planStrikes(random: Random, faults_ms: number, kinds: readonly Kind[]): PlannedStrike[] {
  const strikes: PlannedStrike[] = [];
  const drawn = kinds.filter((kind) => kind !== 'settings' && kind !== 'upgrade');
  const weights = drawn.map((kind) => [WEIGHTS[kind], kind] as const);
  const oneIsDown = kinds.includes('outage') && faults_ms >= LONG_MS;
  const from_ms = oneIsDown ? ONE_DOWN_OVER_MS : 0;
  const first = kinds.includes('kill')
    ? partsThatDie(faults_ms).map((part) => ({
        ...killOf(random, part),
        at_ms: from_ms + random.next() * (faults_ms - from_ms),
      }))
    : [];
  for (
    let at_ms = random.next() * GAP_MS;
    at_ms < faults_ms && weights.length > 0;
    at_ms += random.next() * 2 * GAP_MS
  ) {
    strikes.push({ ...strikeOf(random, random.weighted(weights), faults_ms - at_ms), at_ms });
  }
  const all = [...strikes, ...first];
  const whole = oneIsDown ? withOneDown(random.fork('one down'), all) : all;
  const changes = kinds.includes('settings') ? planChanges(random.fork('settings'), faults_ms) : [];
  const upgrades = kinds.includes('upgrade') ? [planUpgrade(random.fork('upgrade'), faults_ms)] : [];
  return withoutLongDelays([...whole, ...changes, ...upgrades].sort((a, b) => a.at_ms - b.at_ms));
}

/** Each at least once; in a short time one of each kind, for a start takes seconds. */
function partsThatDie(faults_ms: number): readonly PartName[] {
  return faults_ms < LONG_MS ? PARTS.filter((part) => !part.endsWith('-2')) : PARTS;
}

function strikeOf(random: Random, kind: DrawnKind, left_ms: number): Strike {
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
      return { kind, provider: random.pick(PROVIDERS), how: random.pick(['reset', 'hang', '503']), duration_ms };
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
    [2, 'provider-1'],
    [2, 'provider-2'],
  ] as const);
  // A generation is bound to its provider's address, so all go there by one way.
  return { from: isProvider(to) ? 'all' : random.pick([...PROCESSES, 'all', 'all']), to };
}

/** Turns what would delay a provider's creates twice in a row into a cut of its connections. */
function withoutLongDelays(strikes: readonly PlannedStrike[]): PlannedStrike[] {
  const from_ms = new Map<ProviderName, number>();
  return strikes.map((strike) => {
    const provider = delaysCreates(strike) ? struckProvider(strike) : undefined;
    if (provider === undefined) return strike;
    if (strike.at_ms < (from_ms.get(provider) ?? 0))
      return { kind: 'cut', way: { from: 'all', to: provider }, at_ms: strike.at_ms };
    from_ms.set(provider, strike.at_ms + DELAYED_AGAIN_AFTER_MS);
    return strike;
  });
}

function delaysCreates(strike: Strike): boolean {
  return strike.kind === 'pause' || (strike.kind === 'block' && strike.how === 'held');
}

/** Longer than it takes to be seen: the outage is probed within 15 s, and closes sales after another 10 s. */
const ONE_DOWN = { at_ms: 5000, duration_ms: 35_000 };
const ONE_DOWN_OVER_MS = ONE_DOWN.at_ms + ONE_DOWN.duration_ms;

/**
 * One provider is down for a while, and meanwhile only the APIs and single workflows are struck, so that it shows whether the
 * other one's sales go on.
 */
function withOneDown(random: Random, strikes: readonly PlannedStrike[]): PlannedStrike[] {
  const how = random.pick(['reset', '503'] as const);
  const isQuiet = (strike: Strike) => placesOf(strike).every((place) => place.startsWith('api'));
  return [
    { kind: 'outage', provider: random.pick(PROVIDERS), how, ...ONE_DOWN },
    ...strikes.filter((strike) => strike.at_ms >= ONE_DOWN_OVER_MS || isQuiet(strike)),
  ];
}

const CHANGES = ['key', 'url', 'removed'] as const;

/** What operators change in the file of providers: one change at a time, each with a restart of all processes. */
function planChanges(random: Random, faults_ms: number): PlannedStrike[] {
  const changes: PlannedStrike[] = [];
  const begin = random.whole(0, CHANGES.length - 1);
  let at_ms = ONE_DOWN_OVER_MS;
  while (at_ms < faults_ms) {
    const change = CHANGES[(begin + changes.length) % CHANGES.length] ?? 'key';
    const duration_ms = change === 'removed' ? random.whole(8000, 25_000) : 0;
    changes.push({ kind: 'settings', provider: random.pick(PROVIDERS), change, duration_ms, at_ms });
    at_ms += duration_ms + random.whole(12_000, 20_000);
  }
  return changes;
}

/** Once, when there are generations of this version, and early enough for faults to strike the next one too. */
function planUpgrade(random: Random, faults_ms: number): PlannedStrike {
  return { kind: 'upgrade', killedAfter_ms: random.whole(200, 2000), at_ms: (0.15 + 0.4 * random.next()) * faults_ms };
}

function isProvider(name: string): name is ProviderName {
  return PROVIDERS.some((provider) => provider === name);
}

/** Which provider a fault strikes, if it strikes one. */
export function struckProvider(strike: Strike): ProviderName | undefined {
  return placesOf(strike).find(isProvider);
}

/** The parts that it strikes, and the ends of ways; none of a fault of a single workflow. */
function placesOf(strike: Strike): readonly (PartName | 'all')[] {
  if ('provider' in strike) return [strike.provider];
  if ('way' in strike) return [strike.way.from, strike.way.to];
  return 'part' in strike ? [strike.part] : [];
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
      return `outage of ${strike.provider}: ${strike.how}`;
    case 'settings':
      return `${strike.provider}: ${strike.change === 'removed' ? 'taken out' : `another ${strike.change}`}`;
    case 'upgrade':
      return 'upgrade to the next version';
    case 'terminate':
      return 'workflow terminated';
    case 'reset':
      return strike.closed ? 'closed workflow reset' : 'running workflow reset';
  }
}

function ways({ from, to }: Way): string {
  return from === 'all' ? `to ${to}` : `${from} → ${to}`;
}
