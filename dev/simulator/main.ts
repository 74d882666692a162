import { z } from 'zod';
import { createSimulator, listen } from './server.ts';

const environment = z.object({
  SIMULATOR_PORT: z.coerce.number().int().min(0).max(65_535).default(3001),
  SIMULATOR_HOST: z.string().default('127.0.0.1'),
  SIMULATOR_DIR: z.string().default('.holdfast/simulator'),
  SIMULATOR_VIDEO_SECONDS: z.coerce.number().positive().max(86_400).default(6),
  SIMULATOR_API_KEY: z.string().optional(),
  SIMULATOR_WEBHOOK_URL: z.url().optional(),
  SIMULATOR_WEBHOOK_SECRET: z.string().optional(),
  SIMULATOR_LOG: z.string().optional(),
});

/** Variables set to nothing count as unset. */
function readEnvironment(): z.output<typeof environment> {
  const result = environment.safeParse(Object.fromEntries(Object.entries(process.env).filter(([, value]) => value)));
  if (result.success) return result.data;
  for (const { path, message } of result.error.issues) console.error(`${path.join('.')}: ${message}`);
  process.exit(2);
}

const env = readEnvironment();
const { SIMULATOR_WEBHOOK_URL: url, SIMULATOR_WEBHOOK_SECRET: secret } = env;
const simulator = createSimulator({
  dir: env.SIMULATOR_DIR,
  videoSeconds: env.SIMULATOR_VIDEO_SECONDS,
  apiKey: env.SIMULATOR_API_KEY,
  webhook: url !== undefined && secret !== undefined ? { url, secret } : undefined,
  log: env.SIMULATOR_LOG === '1' ? console.log : undefined,
});
const server = await listen(simulator, env.SIMULATOR_PORT, env.SIMULATOR_HOST).catch((error: unknown) => {
  const { code, message } = error as NodeJS.ErrnoException;
  const taken = code === 'EADDRINUSE';
  console.error(taken ? `Port ${env.SIMULATOR_PORT} is taken: set SIMULATOR_PORT to another one.` : message);
  process.exit(1);
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void server.close().then(() => process.exit(0)));
}
console.log(`The provider simulator listens on ${server.url}/v1 and keeps its videos in ${env.SIMULATOR_DIR}.`);
