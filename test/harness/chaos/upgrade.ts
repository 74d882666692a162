import { setTimeout as delay } from 'node:timers/promises';
import { untilItWorks } from '../../../dev/ports.ts';
import { repository } from '../../../dev/state.ts';
import { listRunBy, runProgram } from '../upgrades/next.ts';
import type { Evidence } from './evidence.ts';
import type { Site } from './site.ts';

/** The upgrade to the next version (docs/operating.md) while faults strike: both versions run, and are struck, side by side. */

/** An operator runs a command again for so long. */
const AGAIN_FOR_MS = 240_000;
const AGAIN_AFTER_MS = 1000;
/** Between the first and the second API. */
const SIDE_BY_SIDE_MS = 5000;

export async function upgrade(
  { next, operator, part }: Site,
  killedAfter_ms: number,
  say: (line: string) => void,
): Promise<void> {
  if (next === undefined) throw new Error('there is no next version');
  const run = (file: string, limit_ms?: number) =>
    runProgram(next, file, operator, limit_ms).catch((error: unknown) => {
      say(`upgrade: to be run again: ${String(error)}`);
      throw error;
    });
  const command = async (file: string) => {
    await run(file, killedAfter_ms).catch(() => undefined);
    await untilItWorks(() => run(file), AGAIN_FOR_MS, AGAIN_AFTER_MS);
  };
  await command('dist/migrations/main.js');
  say('upgrade: the next version has migrated');
  await part('worker-2').moveTo(next);
  await command('dist/temporal/main.js');
  say('upgrade: the next version is current');
  await part('api-2').moveTo(next);
  await delay(SIDE_BY_SIDE_MS);
  await part('api-1').moveTo(next);
  // A generation ends with the version that began it, also after a reset.
  say('upgrade: all but worker-1 are of the next version');
}

/** How many settled generations each version has run. */
export async function settledByVersion(
  { temporal, next }: Pick<Site, 'temporal' | 'next'>,
  { generations }: Pick<Evidence, 'generations'>,
): Promise<Map<string, number>> {
  const settled = generations.filter(({ state }) => state === 'charged' || state === 'released');
  const counts = new Map<string, number>();
  for (const [version, folder] of [['this version', repository] as const, ['the next version', next] as const]) {
    if (next === undefined || folder === undefined) continue;
    const ids = await listRunBy(temporal, folder);
    counts.set(version, settled.filter(({ id }) => ids.has(id)).length);
  }
  return counts;
}

/** What the upgrade was for: generations of both versions were settled. */
export function checkUpgrade(counts: ReadonlyMap<string, number>): string[] {
  return [...counts].flatMap(([version, count]) => (count === 0 ? [`no generation of ${version} was settled`] : []));
}
