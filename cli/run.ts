import { CommanderError } from 'commander';
import { EXIT, Failure } from './failure.ts';
import { NotReachable, Refusal } from './http/refusal.ts';
import { asJson, oneLine } from './output/clean.ts';
import { createProgram } from './program.ts';
import type { World } from './world.ts';

/** Runs the command of these arguments; returns the exit code of the process. */
export async function run(args: readonly string[], world: World): Promise<number> {
  try {
    await createProgram(world).parseAsync([...args], { from: 'user' });
    return world.exitCode;
  } catch (error) {
    // It has printed its help, the version or what is wrong already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.wrongUse;
    if (args.includes('--json')) world.stdout.write(`${asJson(envelopeOf(error))}\n`);
    const message = error instanceof Error ? error.message : String(error);
    world.stderr.write(`${oneLine(error instanceof Failure ? message : `holdfast itself failed: ${message}`)}\n`);
    return error instanceof Failure ? error.exitCode : EXIT.refused;
  }
}

/** The API's own error where there is one; the same form for what never came from it. */
function envelopeOf(error: unknown): unknown {
  if (error instanceof Refusal) return error.envelope;
  const message = error instanceof Error ? error.message : String(error);
  const type = error instanceof NotReachable ? 'not_reachable' : 'command_failed';
  return { error: { message, type, param: null, code: null } };
}
