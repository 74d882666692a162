import { runChaos } from './chaos.ts';
import { readOptions, USAGE } from './options.ts';
import type { ChaosOptions } from './options.ts';
import { PROVIDERS } from './plan.ts';

/**
 * `npm run chaos`: see USAGE. Real PostgreSQL, real Temporal, two workers, two API processes and the simulators of two providers
 * are killed, halted, cut off from each other and upgraded to a next version while clients ask for videos; afterwards every rule of
 * the money must hold. No clock is moved.
 *
 * Exit code 0 when every invariant holds, 1 when one does not, 2 for a wrong command line, 130 when it is ended early.
 */

function optionsOrUsage(): ChaosOptions {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
    process.exit(2);
  }
}

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const options = optionsOrUsage();
const over = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => over.abort(new Error(`ended early by ${signal}`)));
}
const { seed, generations, faults_ms, kinds, holdTtlSeconds, speeches } = options;
const [one, two] = PROVIDERS.map((name) => `${speeches[name].spoken} (dialect: ${speeches[name].configured})`);
say(
  `chaos: seed ${seed}: ${generations} generations in ${faults_ms / 60_000} minutes of ${kinds.join(', ') || 'no faults from outside'}; holds of ${holdTtlSeconds} s; the providers speak ${one} and ${two}`,
);
try {
  const { violations, verdict } = await runChaos(options, say, over.signal);
  say(verdict);
  process.exit(violations.length === 0 ? 0 : 1);
} catch (error) {
  process.stderr.write(
    `${over.signal.aborted ? String(over.signal.reason) : error instanceof Error ? error.stack : String(error)}\n`,
  );
  process.exit(over.signal.aborted ? 130 : 1);
}
