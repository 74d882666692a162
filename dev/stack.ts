import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { takeFolder, watchLauncher } from './lock.ts';
import { checkConfiguration, ConfigError } from './configuration.ts';
import { makeConsoleLink } from './demo.ts';
import { complain, say, seconds, surviveClosedOutput } from './output.ts';
import { Misconfigured, refuseTakenPorts, StartRefused } from './ports.ts';
import { forgetDataFolder } from './postgres-place.ts';
import { PartDied, Running, StopRequested } from './running.ts';
import { bypassProxies, isProxied, readSettings, type Settings } from './settings.ts';
import { contactOutside, partEnvironment, type Start, startAll } from './startup.ts';
import { forget, keptSecrets, openStateFolder, writePrivate } from './state.ts';
import { summary } from './summary.ts';
import { writeEmptyProfile } from './temporal.ts';

/**
 * The embedded stack behind `npm start`. It runs until a signal comes or a part dies; either way everything is stopped
 * before this process ends.
 */

/** Starts everything and runs until it must stop. Always rejects, with the reason. */
async function runUntilOver(running: Running): Promise<never> {
  const proxied = isProxied(process.env);
  bypassProxies(process.env);
  const settings = readSettings(process.env, process.argv.slice(2));
  const folder = openStateFolder(settings.stateFolder);
  running.holds(await takeFolder(folder, say));
  await refuseTakenPorts(settings.ports, settings.needed);
  const first = begin(settings, folder, running);
  const config = checkConfiguration(partEnvironment(first), { simulated: settings.simulated });
  say('Starting Holdfast…');
  await contactOutside(first, config);
  const start = settings.fresh ? beginAgain(first) : first;
  const endpointsFile = join(folder, 'endpoints.json');
  const endpoints = await Promise.race([startAll(start, config), running.over]);
  try {
    writePrivate(endpointsFile, endpoints);
    const aside = ` (ready in ${seconds(performance.now())})`;
    const consoleLink = await makeConsoleLink(endpoints.api, endpoints.apiKey);
    say(`\n${summary(endpoints, { aside, stop: STOP, proxied, consoleLink })}`);
    return await running.over;
  } finally {
    rmSync(endpointsFile, { force: true });
  }
}

const STOP =
  'Press Ctrl-C to stop everything; its data is kept for the next start ("npm start -- --fresh" deletes it).';

function begin(settings: Settings, folder: string, running: Running): Start {
  writeEmptyProfile(folder);
  return { settings, folder, secrets: keptSecrets(folder), running };
}

/** Deletes what earlier starts have kept. */
function beginAgain({ settings, folder, running }: Start): Start {
  forgetDataFolder(folder);
  forget(folder);
  return begin(settings, folder, running);
}

/** Prints why the stack stops: one line where the user can act on it. Returns the exit code. */
function explain(reason: unknown): number {
  if (reason instanceof StopRequested) return 0;
  const misconfigured = reason instanceof ConfigError || reason instanceof Misconfigured;
  const expected = misconfigured || reason instanceof StartRefused || reason instanceof PartDied;
  complain(expected ? reason.message : `Holdfast failed: ${reason instanceof Error ? reason.stack : String(reason)}`);
  return misconfigured ? 2 : 1;
}

/** Returns the exit code: 0 when the stack was told to stop, 2 for a faulty configuration, else 1, with the reason on stderr. */
async function main(): Promise<number> {
  surviveClosedOutput();
  const running = new Running();
  watchLauncher(() => running.requestStop());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => running.requestStop());
  const reason: unknown = await runUntilOver(running).catch((error: unknown) => error);
  const code = explain(reason);
  await running.stop();
  return code;
}

process.exit(await main());
