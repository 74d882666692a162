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

process.once('SIGINT', () => {
  const told = world.whenStopped();
  if (told !== undefined) process.stderr.write(`${told}\n`);
  process.exit(EXIT.stopped);
});

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
