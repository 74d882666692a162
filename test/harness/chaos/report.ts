import type { Asked } from './clients.ts';
import type { Evidence } from './evidence.ts';
import type { VideoRecords } from './providerChecks.ts';
import { soldMeanwhile } from './salesChecks.ts';
import type { Site } from './site.ts';
import type { Strikes } from './strikes.ts';
import { tally } from './tally.ts';

/** The report of a run, as tables in plain text. */

interface Found {
  readonly records: VideoRecords;
  readonly logged: ReadonlyMap<string, number>;
  readonly byVersion: ReadonlyMap<string, number>;
}

export function tables(
  site: Site,
  { counts, spans }: Strikes,
  asked: readonly Asked[],
  evidence: Evidence,
  { records, logged, byVersion }: Found,
): string[] {
  const { generations } = evidence;
  const kills = new Map(site.parts().map(({ name, kills: count }) => [name, count]));
  const exits = site.parts().flatMap((part) => part.exits);
  return [
    ...table('fault', counts),
    ...table('kills by part', kills),
    ...table(
      'ended by itself',
      tally(exits, ({ part, how }) => `${part} (${how})`),
    ),
    ...table('logged as an error', logged),
    ...table(
      'answer to a try',
      tally(
        asked.flatMap(({ tries }) => tries),
        ({ answer }) => answer,
      ),
    ),
    ...table('sold while the other provider was down', soldMeanwhile(asked, spans)),
    ...table('settled, by version', byVersion),
    ...table(
      'charged, by maker',
      tally(
        generations.filter(({ state }) => state === 'charged'),
        makerOf,
      ),
    ),
    ...table(
      'answer to a request',
      tally(asked, ({ request, known }) => `${request.manner}: ${inWords(known)}`),
    ),
    ...table(
      'outcome of a generation',
      tally(generations, ({ state, code }) => (code === null || code === state ? state : `${state}: ${code}`)),
    ),
    ...table(
      'event',
      tally(
        generations.flatMap(({ events }) => events),
        ({ kind }) => kind,
      ),
    ),
    ...table(
      'create attempt',
      tally(
        generations.flatMap(({ attempts }) => attempts),
        ({ outcome }) => outcome ?? 'open',
      ),
    ),
    ...table('video at the provider', new Map(Object.entries(records))),
  ];
}

function makerOf({ model, provider, claimOf }: Evidence['generations'][number]): string {
  return claimOf === null ? `${model} by ${provider}` : `a claim of ${model}`;
}

function inWords(known: Asked['known']): string {
  switch (known.outcome) {
    case 'refused':
      return `${known.status} ${known.code}`;
    case 'unknown':
      return `unknown (${known.why})`;
    default:
      return known.outcome;
  }
}

function table(head: string, counts: ReadonlyMap<string, number>): string[] {
  const rows = [...counts].sort(([one], [two]) => one.localeCompare(two));
  if (rows.length === 0) return [];
  const width = Math.max(head.length, ...rows.map(([name]) => name.length));
  const total = rows.reduce((sum, [, count]) => sum + count, 0);
  return [
    '',
    `${head.padEnd(width)}  count`,
    `${'-'.repeat(width)}  -----`,
    ...rows.map(([name, count]) => `${name.padEnd(width)}  ${String(count).padStart(5)}`),
    `${'all'.padEnd(width)}  ${String(total).padStart(5)}`,
  ];
}

/** The steps of the generations that a violation names, for the investigation. */
export function stories(violations: readonly string[], { generations }: Evidence): string[] {
  const named = generations.filter(({ id }) => violations.some((violation) => violation.includes(id)));
  return named
    .slice(0, 20)
    .flatMap(({ id, prompt, state, video, events }) => [
      '',
      `${id} ${state}, video ${video}: ${prompt}`,
      ...events.map(
        ({ kind, data, at_ms }) => `  ${new Date(at_ms).toISOString().slice(11, 23)} ${kind} ${JSON.stringify(data)}`,
      ),
    ]);
}
