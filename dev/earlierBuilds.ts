import { cpSync, linkSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { listWorkerVersions, type WorkerVersion } from '../temporal/workerVersions.ts';
import { say } from './output.ts';
import { type PartCommand, program } from './parts.ts';
import type { Running } from './running.ts';
import { repository } from './state.ts';

/**
 * An open generation ends with the workflows that began it. So each start keeps its build in the state folder, beside Temporal's
 * histories, and a start after an edit of the code runs a second worker from the earlier build until its generations have ended.
 * They are not moved to the new code: Temporal would refuse to go on with a history that the new code would not have written.
 */

const CHECK_EVERY_MS = 5000;
/** Longer than Temporal takes to count a generation that has begun. */
const COUNT_LAG_MS = 60_000;

const buildsIn = (stateFolder: string) => join(stateFolder, 'builds');
const folderOf = (stateFolder: string, buildId: string) => join(buildsIn(stateFolder), buildId);
const placeOf = (stateFolder: string, buildId: string) => join(folderOf(stateFolder, buildId), 'dist');

/** Keeps `dist/` as this build. Files are linked, not copied: the build replaces files and never writes into one. */
export function keepBuild(stateFolder: string, buildId: string): void {
  const place = placeOf(stateFolder, buildId);
  rmSync(folderOf(stateFolder, buildId), { recursive: true, force: true });
  const dist = join(repository, 'dist');
  mkdirSync(place, { recursive: true });
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const kept = join(place, path.slice(dist.length));
    if (entry.isDirectory()) mkdirSync(kept, { recursive: true });
    else if (!entry.name.endsWith('.tmp')) linkOrCopy(path, kept);
  }
  // Where the kept programs find their packages.
  const modules = join(buildsIn(stateFolder), 'node_modules');
  rmSync(modules, { force: true });
  symlinkSync(join(repository, 'node_modules'), modules);
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    // The state folder may be on another disk.
    cpSync(from, to);
  }
}

interface Site {
  readonly stateFolder: string;
  readonly ownBuild: string;
  readonly env: NodeJS.ProcessEnv;
  readonly running: Pick<Running, 'startAside'>;
}

/** Runs a worker of each earlier build that has open generations, until they have ended, and deletes builds that have none. */
export async function finishEarlierRuns(client: Client, { stateFolder, ownBuild, env, running }: Site): Promise<void> {
  const versions = await listWorkerVersions(client);
  const kept = readdirSync(buildsIn(stateFolder)).filter((name) => name !== 'node_modules' && name !== ownBuild);
  const isOpen = ({ buildId, openGenerations }: WorkerVersion) => buildId !== ownBuild && openGenerations > 0;
  for (const { buildId, openGenerations } of versions.filter(isOpen)) {
    const many = `${openGenerations} open generation${openGenerations === 1 ? '' : 's'} of the earlier build ${buildId}`;
    if (!kept.includes(buildId)) {
      say(`  ${many} can't go on, because that build is not kept here (docs/operating.md)`);
      continue;
    }
    say(`  ${many} end with a worker of that build`);
    const worker = running.startAside(workerOf(placeOf(stateFolder, buildId), env));
    void endWhenDone(client, buildId, worker);
  }
  for (const buildId of kept) {
    const hasOpen = versions.some((version) => version.buildId === buildId && isOpen(version));
    forgetUnused(folderOf(stateFolder, buildId), hasOpen);
  }
}

/**
 * Deletes a build that was without open generations at an earlier start too: the count lags a little, and misses what began just
 * before a crash.
 */
function forgetUnused(folder: string, hasOpen: boolean): void {
  const note = join(folder, 'unused');
  if (hasOpen) {
    rmSync(note, { force: true });
    return;
  }
  const sinceMs = statSync(note, { throwIfNoEntry: false })?.mtimeMs;
  if (sinceMs === undefined) writeFileSync(note, '');
  else if (Date.now() - sinceMs > COUNT_LAG_MS) rmSync(folder, { recursive: true, force: true });
}

function workerOf(place: string, env: NodeJS.ProcessEnv): PartCommand {
  const command = program('worker', 'worker/main', repository, { ...env, WORKER_METRICS_PORT: '0' });
  return { ...command, args: [...command.args.slice(0, -1), join(place, 'worker', 'main.js')] };
}

async function endWhenDone(client: Client, buildId: string, worker: ReturnType<Running['startAside']>): Promise<void> {
  const ended = worker.ended.then(() => 'ended');
  let emptyCounts = 0;
  while ((await Promise.race([delay(CHECK_EVERY_MS, 'waited', { ref: false }), ended])) !== 'ended') {
    emptyCounts = (await hasNothingOpen(client, buildId).catch(() => false)) ? emptyCounts + 1 : 0;
    // Not at the first: the count lags a little.
    if (emptyCounts === 2) return worker.end();
  }
}

async function hasNothingOpen(client: Client, buildId: string): Promise<boolean> {
  const versions = await listWorkerVersions(client, (version) => version.buildId === buildId);
  return versions.every(({ openGenerations }) => openGenerations === 0);
}
