import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { takeFolder, watchLauncher } from './lock.ts';
import { complain, say, seconds, surviveClosedOutput } from './output.ts';
import { refuseTakenPorts, StartRefused } from './ports.ts';
import { forgetDataFolder } from './postgres-place.ts';
import { PartDied, Running, StopRequested } from './running.ts';
import { readSettings } from './settings.ts';
import { startAll } from './startup.ts';
import { forget, keptSecrets, openStateFolder, writePrivate } from './state.ts';
import { summary } from './summary.ts';

/**
 * The embedded stack behind `npm start`. It runs until a signal comes or a part dies; either way everything is stopped
 * before this process ends.
 */

/** Starts everything and runs until it must stop. Always rejects, with the reason. */
async function runUntilOver(running: Running): Promise<never> {
  const settings = readSettings(process.env, process.argv.slice(2));
  const folder = openStateFolder(settings.stateFolder);
  running.holds(await takeFolder(folder, say));
  await refuseTakenPorts(settings.ports, settings.needed);
  if (settings.fresh) {
    forgetDataFolder(folder);
    forget(folder);
  }
  const endpointsFile = join(folder, 'endpoints.json');
  const start = { settings, folder, secrets: keptSecrets(folder), running };
  const endpoints = await Promise.race([startAll(start), running.over]);
  try {
    writePrivate(endpointsFile, endpoints);
    say(summary(endpoints, seconds(performance.now())));
    return await running.over;
  } finally {
    rmSync(endpointsFile, { force: true });
  }
}

/** Prints why the stack stops: one line where the user can act on it. */
function explain(reason: unknown): void {
  if (reason instanceof StopRequested) return;
  const expected = reason instanceof StartRefused || reason instanceof PartDied;
  complain(expected ? reason.message : `Holdfast failed: ${reason instanceof Error ? reason.stack : String(reason)}`);
}

/** Returns the exit code: 0 when the stack was told to stop, else 1, with the reason on stderr. */
async function main(): Promise<number> {
  surviveClosedOutput();
  const running = new Running();
  watchLauncher(() => running.requestStop());
  const reason: unknown = await runUntilOver(running).catch((error: unknown) => error);
  explain(reason);
  await running.stop();
  return reason instanceof StopRequested ? 0 : 1;
}

process.exit(await main());
