import { readEnvFile } from '../../platform/envFile.ts';
import { FolderTaken, takeFolder } from './lock.ts';
import { createSimulator, listen } from './server.ts';
import { readSimulatorSettings } from './settings.ts';

readEnvFile();
const read = readSimulatorSettings(process.env);
if ('faults' in read) {
  console.error(`The simulator's settings are wrong:\n${read.faults.join('\n')}`);
  process.exit(2);
}
const env = read.settings;
const { SIMULATOR_WEBHOOK_URL: url, SIMULATOR_WEBHOOK_SECRET: secret } = env;
try {
  takeFolder(env.SIMULATOR_DIR);
} catch (error) {
  if (!(error instanceof FolderTaken)) throw error;
  console.error(error.message);
  process.exit(1);
}
const simulator = createSimulator({
  dir: env.SIMULATOR_DIR,
  videoSeconds: env.SIMULATOR_VIDEO_SECONDS,
  dialect: env.SIMULATOR_DIALECT,
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
const speaks = env.SIMULATOR_DIALECT === 'openai' ? '' : ` speaks as ${env.SIMULATOR_DIALECT} and`;
console.log(
  `The provider simulator${speaks} listens on ${server.url}/v1 and keeps its videos in ${env.SIMULATOR_DIR}.`,
);
