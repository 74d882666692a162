import { z } from 'zod';
import { DIALECTS } from './dialects/index.ts';

const PORT = 'must be a whole number from 0 to 65535';
const SECONDS = 'must be a number of seconds, more than 0 and at most 86400';

const NAMES = DIALECTS.map(({ name }) => name);
const DIALECT = `must be ${NAMES.slice(0, -1).join(', ')} or ${NAMES.at(-1) ?? ''}`;

const environment = z.object({
  SIMULATOR_PORT: z.coerce.number(PORT).int(PORT).min(0, PORT).max(65_535, PORT).default(3001),
  SIMULATOR_HOST: z.string().default('127.0.0.1'),
  SIMULATOR_DIR: z.string().default('.holdfast/simulator'),
  SIMULATOR_VIDEO_SECONDS: z.coerce.number(SECONDS).positive(SECONDS).max(86_400, SECONDS).default(6),
  SIMULATOR_DIALECT: z.enum(NAMES, DIALECT).default('openai'),
  SIMULATOR_API_KEY: z.string().optional(),
  SIMULATOR_WEBHOOK_URL: z.url('must be a URL').optional(),
  SIMULATOR_WEBHOOK_SECRET: z.string().optional(),
  SIMULATOR_LOG: z.string().optional(),
});

type SimulatorSettings = z.output<typeof environment>;

/** The simulator's settings, or every fault of them, one line each. Variables set to nothing count as unset. */
export function readSimulatorSettings(
  variables: Record<string, string | undefined>,
): { settings: SimulatorSettings } | { faults: string[] } {
  const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value));
  const { data, error } = environment.safeParse(set);
  if (data !== undefined) return { settings: data };
  const lines = error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`);
  return { faults: [...new Set(lines)] };
}
