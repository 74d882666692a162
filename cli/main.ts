#!/usr/bin/env node
import { homedir } from 'node:os';
import { EXIT, reasonOf } from './failure.ts';
import { run } from './run.ts';
import type { World } from './world.ts';

const world: World = {
  env: process.env,
  folder: process.cwd(),
  home: homedir(),
  stdout: process.stdout,
  stderr: process.stderr,
  whenStopped: () => undefined,
  exitCode: EXIT.done,
};

const SIGNALS = { SIGINT: EXIT.stopped, SIGTERM: 143, SIGHUP: 129 } as const;
for (const [signal, code] of Object.entries(SIGNALS)) {
  process.once(signal, () => {
    const told = world.whenStopped();
    if (told !== undefined) process.stderr.write(`${told}\n`);
    process.exit(code);
  });
}

// Whoever reads our output may have enough of it (`holdfast list | head -1`): that is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.done);
  process.stderr.write(`The output can’t be written: ${reasonOf(error)}.\n`);
  process.exit(EXIT.refused);
});
process.stderr.on('error', () => undefined);

void run(process.argv.slice(2), world).then((code) => {
  process.exitCode = code;
});
