import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { groupsLeft } from '../support/processGroups.ts';
import { Supervised } from './supervised.ts';

describe('a supervised part', () => {
  let folder: string;
  let groups: (number | undefined)[];
  let part: Supervised | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-supervised-'));
    groups = [];
  });
  afterEach(async () => {
    await part?.stop();
    rmSync(folder, { recursive: true });
  });

  function start(script: string): Supervised {
    const program = { command: '/bin/sh', args: ['-c', script], cwd: folder, env: { PATH: process.env['PATH'] } };
    part = new Supervised('part', program, join(folder, 'part.log'), (group) => groups.push(group));
    part.start();
    return part;
  }

  const log = () => readFileSync(join(folder, 'part.log'), 'utf8');
  /** Runs a child of its own, as PostgreSQL does, and says both pids. */
  const family = 'sleep 60 & echo $$ $!; wait';
  const lives = () => [...log().matchAll(/^(\d+) (\d+)$/gm)].map(([, first, child]) => [Number(first), Number(child)]);

  it('is started again after each kill, once every process of it is gone', async () => {
    const supervised = start(family);
    await expect.poll(() => lives().length).toBe(1);
    await supervised.kill('all');
    await expect.poll(() => lives().length, { timeout: 5000 }).toBe(2);
    expect(supervised.kills).toBe(1);
    expect(supervised.exits).toEqual([]);
    expect(groupsLeft(lives()[0]!)).toEqual([]);
  });

  it('that ends by itself is started again too, and its last words are kept', async () => {
    const supervised = start('echo no database; exit 3');
    await expect.poll(() => supervised.exits.length, { timeout: 5000 }).toBe(2);
    expect(supervised.exits[0]).toEqual({ part: 'part', how: 'exit code 3', lastLines: 'no database' });
  });

  it('stands still while it is paused, with its children, and goes on', async () => {
    const supervised = start('while :; do date; sleep 0.02; done');
    await expect.poll(() => log().length).toBeGreaterThan(0);
    const paused = supervised.pause(600);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const before = log().length;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(log().length).toBe(before);
    await paused;
    await expect.poll(() => log().length).toBeGreaterThan(before);
  });

  it('that is moved ends by itself, and starts again in the other folder', async () => {
    const other = join(folder, 'other');
    mkdirSync(other);
    const supervised = start('trap "echo leaving; exit 0" TERM; pwd; while :; do sleep 0.02; done');
    await expect.poll(log).toBe(`${folder}\n`);
    await supervised.moveTo(other);
    await expect.poll(log, { timeout: 5000 }).toBe(`${folder}\nleaving\n${other}\n`);
    expect([supervised.exits, supervised.kills]).toEqual([[], 0]);
  });

  it('that is stopped leaves no process', async () => {
    const supervised = start(family);
    await expect.poll(() => lives().length).toBe(1);
    await supervised.stop();
    expect(groupsLeft(groups.filter((group) => group !== undefined))).toEqual([]);
  });
});
