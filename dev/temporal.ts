import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SEARCH_ATTRIBUTE } from '../contracts/temporal.ts';
import type { PartCommand } from './parts.ts';
import { contactPort, type Ports, StartRefused, untilItWorks } from './ports.ts';

/** The command of Temporal's dev server with its Web UI: on 127.0.0.1 only, with its histories in the state folder. */
export function serverCommand(cli: string, ports: Ports, stateFolder: string): PartCommand {
  const attributes = Object.values(SEARCH_ATTRIBUTE).flatMap(({ name }) => ['--search-attribute', `${name}=Keyword`]);
  const listen = [
    '--ip',
    '127.0.0.1',
    '--port',
    String(ports.TEMPORAL_PORT),
    '--ui-port',
    String(ports.TEMPORAL_UI_PORT),
  ];
  return {
    name: 'temporal',
    command: cli,
    args: [
      'server',
      'start-dev',
      // Without these pragmas every workflow step waits for the disk: holding 200 generations at once took 20 s instead of 8.
      // A kill -9 of any process still loses nothing.
      '--sqlite-pragma',
      'journal_mode=wal',
      '--sqlite-pragma',
      'synchronous=normal',
      ...listen,
      '--db-filename',
      join(stateFolder, 'temporal.db'),
      '--log-level',
      'warn',
      ...attributes,
      // A worker that stops ends its polls, so that no task is given to it any more.
      '--dynamic-config-value',
      'frontend.enableCancelWorkerPollsOnShutdown=true',
    ],
    cwd: stateFolder,
    env: withoutTemporalSettings(process.env, stateFolder),
    quiet: true,
  };
}

/** Writes the file that `withoutTemporalSettings` names. The SDK raises an error for a file without a profile. */
export function writeEmptyProfile(stateFolder: string): void {
  writeFileSync(join(stateFolder, 'temporal.toml'), '[profile.default]\n');
}

/** Waits until the server answers, and sets the retention of the namespace `default`. Safe to repeat. */
export async function prepareNamespace(port: number, limitMs: number): Promise<void> {
  // The client takes half a second to load, in which the server starts.
  const { createTemporalClient, setRetention } = await import('../temporal/connection.ts');
  const address = `127.0.0.1:${port}`;
  const client = createTemporalClient({ connectionOptions: { address } });
  try {
    // A connection that is refused is tried again only after a second, so the port is waited for.
    await untilItWorks(() => contactPort(port), limitMs, 20);
    await untilItWorks(() => setRetention(client), limitMs);
  } catch (error) {
    throw new StartRefused(`Temporal does not answer on ${address}: ${(error as Error).message}`);
  } finally {
    await client.connection.close();
  }
}

/**
 * The environment without settings for a Temporal client: a profile, a key or TLS for another server would prevent every part
 * from reaching the embedded one. The empty configuration file is named for the same reason.
 */
export function withoutTemporalSettings(environment: NodeJS.ProcessEnv, stateFolder: string): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(([name]) => !name.startsWith('TEMPORAL_'));
  return { ...Object.fromEntries(kept), TEMPORAL_CONFIG_FILE: join(stateFolder, 'temporal.toml') };
}
