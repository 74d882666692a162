import { type Config, ConfigError, parseConfig } from '../config.ts';
import { readSimulatorSettings } from './simulator/settings.ts';

export { type Config, ConfigError };

/**
 * Checks what the parts would read, before any of them starts: each of them would print the same faults. Raises `ConfigError`
 * with all of them.
 */
export function checkConfiguration(environment: NodeJS.ProcessEnv, { simulated }: { simulated: boolean }): Config {
  const faults: string[] = [];
  let config: Config | undefined;
  try {
    config = parseConfig(environment);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    faults.push(...error.faults);
  }
  const simulator = simulated ? readSimulatorSettings(environment) : undefined;
  if (simulator !== undefined && 'faults' in simulator) faults.push(...simulator.faults);
  if (config === undefined || faults.length > 0) throw new ConfigError(faults);
  return config;
}
