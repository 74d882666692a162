import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { takeFolder } from '../../dev/lock.ts';
import { type Part, startPart } from '../../dev/parts.ts';
import { disownDeadServer } from '../../dev/postgres.ts';
import { endProcess, isAlive, recordOf, runTool } from '../../dev/processes.ts';
import { Running } from '../../dev/running.ts';
import { processIdentity } from '../../platform/processIdentity.ts';
import { forget, keptSecrets, openStateFolder, repository, writePrivate } from '../../dev/state.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'holdfast-unit-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const dead = () => recordOf('stack', spawnSync('true').pid);
const sleeper = () => {
  const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
  return recordOf('sleeper', child.pid!);
};
function shell(script: string): Part {
  return startPart({
    name: 'api',
    command: '/bin/sh',
    args: ['-c', script],
    cwd: folder,
    env: process.env,
    quiet: true,
  });
}

test('a process is told from another one of the same pid', async () => {
  const record = sleeper();
  expect(isAlive(record)).toBe(true);
  expect(isAlive({ ...record, identity: 'of an earlier boot' })).toBe(false);
  await endProcess(record, 1000);
  expect(isAlive(record)).toBe(false);
});

test('a process that ignores its stop signal is killed when its time is over', async () => {
  const part = shell(`trap '' TERM; echo ready; while :; do sleep 0.05; done`);
  await expect.poll(() => part.tail).toContain('ready');
  await endProcess(part.record, 100);
  expect((await part.ended).how).toBe('SIGKILL');
});

test('the last lines of a part and how it ended are kept', async () => {
  const part = shell('for i in $(seq 20); do echo line $i; done; echo problem >&2; exit 3');
  expect(await part.ended).toEqual({ ok: false, how: 'exit code 3' });
  expect(part.tail).toHaveLength(15);
  expect(part.tail).toContain('problem');
});

test('a part whose program does not exist ends with the reason', async () => {
  const part = startPart({
    name: 'api',
    command: join(folder, 'nothing'),
    args: [],
    cwd: folder,
    env: {},
    quiet: true,
  });
  expect((await part.ended).how).toContain('ENOENT');
});

test('a program that waits loads what it imports, runs when it may begin, and ends with the stack that it waits for', async () => {
  writeFileSync(join(folder, 'imported.mjs'), `console.log('loaded');`);
  writeFileSync(join(folder, 'main.mjs'), `import "./imported.mjs";\nconsole.log('runs');`);
  const args = ['dist/dev/prepared.js', join(folder, 'main.mjs')];
  const cwd = repository;
  const part = startPart({ name: 'api', command: process.execPath, args, cwd, env: {}, quiet: true, waits: true });
  await expect.poll(() => part.tail).toEqual(['loaded']);
  part.begin();
  expect(await part.ended).toEqual({ ok: true, how: 'exit code 0' });
  expect(part.tail).toEqual(['loaded', 'runs']);
  const alone = spawnSync(process.execPath, args, { cwd, input: '', encoding: 'utf8' });
  expect({ status: alone.status, stdout: alone.stdout }).toEqual({ status: 1, stdout: 'loaded\n' });
});

test('what began last is stopped first, although it was started before', async () => {
  const running = new Running();
  const sleep = { command: '/bin/sh', args: ['-c', 'exec sleep 60'], cwd: folder, env: process.env, quiet: true };
  const [api, postgres] = ['api', 'postgres'].map((name) => running.start({ name, ...sleep })) as [Part, Part];
  const ends: string[] = [];
  for (const part of [api, postgres]) void part.ended.then(() => ends.push(part.record.name));
  running.begin(api);
  await running.stop();
  await expect.poll(() => ends).toEqual(['api', 'postgres']);
});

test('a tool that takes too long is ended with all that it started', async () => {
  const { code } = await runTool('/bin/sh', ['-c', 'sleep 60 & wait'], { limitMs: 50 });
  expect(code).toBeNull();
});

test('a second live stack on one folder is refused in one line', async () => {
  const lock = await takeFolder(folder, () => undefined);
  await expect(takeFolder(folder, () => undefined)).rejects.toThrow(/^A stack already runs on .*HOLDFAST_DIR/);
  lock.release();
  (await takeFolder(folder, () => undefined)).release();
  expect(existsSync(join(folder, 'stack.json'))).toBe(false);
});

test('what a killed stack left behind is ended before its folder is taken', async () => {
  const left = sleeper();
  const stranger = sleeper();
  writePrivate(join(folder, 'stack.json'), {
    owner: dead(),
    parts: [left, { ...stranger, identity: 'of an earlier boot' }],
  });
  writePrivate(join(folder, 'endpoints.json'), {});
  const said: string[] = [];
  const lock = await takeFolder(folder, (line) => said.push(line));
  expect(isAlive(left)).toBe(false);
  expect(isAlive(stranger)).toBe(true);
  expect(said).toEqual(['Stopping what an earlier stack left behind: sleeper…']);
  expect(existsSync(join(folder, 'endpoints.json'))).toBe(false);
  lock.release();
  await endProcess(stranger, 1000);
});

test('a live stack whose npm was killed is ended and its folder taken', async () => {
  const orphan = sleeper();
  writePrivate(join(folder, 'stack.json'), { owner: orphan, launcher: dead(), parts: [] });
  const lock = await takeFolder(folder, () => undefined);
  expect(isAlive(orphan)).toBe(false);
  lock.release();
});

test('an unreadable record of a stack does not prevent a start', async () => {
  writeFileSync(join(folder, 'stack.json'), '');
  (await takeFolder(folder, () => undefined)).release();
});

test('of many starts at once exactly one gets the folder', async () => {
  writePrivate(join(folder, 'stack.json'), { owner: dead(), parts: [] });
  const starts = await Promise.allSettled(Array.from({ length: 8 }, () => takeFolder(folder, () => undefined)));
  expect(starts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('secrets are made once, differ from each other and are readable by their owner only', () => {
  const secrets = keptSecrets(folder);
  expect(keptSecrets(folder)).toEqual(secrets);
  expect(new Set(Object.values(secrets)).size).toBe(5);
  expect(statSync(join(folder, 'secrets.json')).mode & 0o777).toBe(0o600);
});

test("a new state folder is the user's alone; an existing one keeps its mode and what is not ours", () => {
  const made = openStateFolder(join(folder, 'state'));
  expect(statSync(made).mode & 0o777).toBe(0o700);
  writeFileSync(join(made, 'notes.txt'), 'mine');
  keptSecrets(made);
  forget(made);
  expect(existsSync(join(made, 'secrets.json'))).toBe(false);
  expect(readFileSync(join(made, 'notes.txt'), 'utf8')).toBe('mine');
});

test('a PostgreSQL server that was killed and not reaped yet keeps no other from starting; a living one does', async () => {
  // The shell becomes `sleep`, which never reaps the child.
  const parent = spawn('/bin/sh', ['-c', 'true & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const zombie = await new Promise<string>((resolve) =>
      parent.stdout.once('data', (line: Buffer) => resolve(String(line).trim())),
    );
    await vi.waitFor(() => expect(processIdentity(Number(zombie))).toBeUndefined(), { timeout: 5000 });
    mkdirSync(join(folder, 'data'));
    const lockFile = join(folder, 'data', 'postmaster.pid');
    const afterwards = (pid: string) => {
      writeFileSync(lockFile, `${pid}\n/data\n1794000000\n54329\n\n127.0.0.1\n  7 9\nready\n`);
      disownDeadServer({ folder });
      return readFileSync(lockFile, 'utf8');
    };
    expect(afterwards(zombie)).toBe(`${process.pid}\n/data\n1794000000\n54329\n\n127.0.0.1\n  7 9\nready\n`);
    expect(afterwards(String(parent.pid))).toMatch(new RegExp(`^${parent.pid}\n`));
  } finally {
    parent.kill('SIGKILL');
  }
});
