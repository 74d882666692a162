import { once } from 'node:events';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';

/** One folder belongs to one simulator: two would write one journal over each other. */

let dir: string;
let children: ChildProcess[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'simulator-'));
  children = [];
});

afterEach(async () => {
  for (const child of children) await end(child, 'SIGKILL');
  rmSync(dir, { recursive: true });
});

function simulator(variables: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', 'dev/simulator/main.ts'], {
    env: { ...process.env, SIMULATOR_DIR: dir, SIMULATOR_PORT: '0', ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  return child;
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

async function firstLine(child: ChildProcess): Promise<string> {
  const [chunk] = (await once(child.stdout!, 'data')) as [Buffer];
  return chunk.toString();
}

test('a second simulator on a folder is refused and told what to do; after a stop or a kill the next one starts', async () => {
  const first = simulator({ SIMULATOR_DIALECT: 'litellm' });
  expect(await firstLine(first)).toMatch(/^The provider simulator speaks as litellm and listens on http/);

  const second = simulator();
  const [said, [code]] = await Promise.all([text(second.stderr!), once(second, 'exit')]);
  expect({ code, said }).toEqual({
    code: 1,
    said: `The simulator with pid ${String(first.pid)} already uses ${dir}: stop it, or set SIMULATOR_DIR and SIMULATOR_PORT to a folder and a port of this one's own.\n`,
  });

  await end(first, 'SIGKILL');
  const third = simulator();
  expect(await firstLine(third)).toMatch(/^The provider simulator listens on http/);
  await end(third, 'SIGTERM');
  expect(await firstLine(simulator())).toMatch(/^The provider simulator listens on http/);
}, 60_000);
