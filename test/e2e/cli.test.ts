import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../dev/ports.ts';
import { type Ended, HOLDFAST, type Running, start } from '../harness/support/cli.ts';
import { PRICE } from '../harness/support/database.ts';
import { startLosingProxy } from '../harness/support/losingProxy.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { ADMIN_KEY, openAccount, startStack } from '../harness/support/stack.ts';

/** The command line as it is built, each command a process, against one real stack. */

const BLOCKED = 'an ad for iqus e cigerrates';
const CREDITS = 10_000_000;

let stack: TestStack;
let account: TestAccount;
let folder: string;

beforeAll(async () => {
  [stack, folder] = await Promise.all([startStack({ videoSeconds: 0.5 }), mkdtemp(join(tmpdir(), 'holdfast-cli-'))]);
  account = await openAccount(stack, CREDITS);
});
afterAll(async () => {
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Where {
  readonly env?: Record<string, string>;
  readonly columns?: number;
}

function holdfast(args: readonly string[], { env = {}, columns }: Where = {}): Running {
  const keys = { HOLDFAST_URL: stack.url, HOLDFAST_API_KEY: account.key, HOLDFAST_ADMIN_KEY: ADMIN_KEY };
  const options = { env: { ...keys, HOME: folder, ...env }, cwd: folder };
  return start([process.execPath, HOLDFAST, ...args], { ...options, ...(columns !== undefined && { columns }) });
}

async function json<Answer>(...args: string[]): Promise<Answer> {
  const { code, stdout, stderr } = await holdfast([...args, '--json']).ended;
  expect({ code, stderr: stderr.replace(/^video_.*Ctrl-C is safe.*\n/m, '') }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Answer;
}

/** One plain line, and the exit code. */
function expectLine(ended: Ended, code: number, line: RegExp): void {
  expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(line) });
  expect(ended.stderr.match(/\n/g)).toHaveLength(1);
}

const charged = { status: 'completed', credits: { state: 'charged', amount_microcredits: PRICE } };

describe('a video, from the price to the file', () => {
  it('is quoted without being made, held, charged once and downloaded whole', async () => {
    const quote = await json('generate', 'a red fox', '--dry-run');
    expect(quote).toMatchObject({ object: 'video.quote', would_be_accepted: true, amount: '0.571429' });
    const out = join(folder, 'fox.mp4');
    const made = ['generate', 'a red fox', '--seconds', '4', '--metadata', 'project=winter', '--out', out];
    const video = await json<{ id: string }>(...made);
    expect(video).toMatchObject({ ...charged, metadata: { project: 'winter' } });
    const content = await account.fetch(`/v1/videos/${video.id}/content`);
    expect(await readFile(out)).toEqual(Buffer.from(await content.arrayBuffer()));
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
    expect(await json('show', video.id)).toEqual(await (await account.fetch(`/v1/videos/${video.id}`)).json());
    const { data } = await json<{ data: { type: string }[] }>('timeline', video.id);
    expect(data.map(({ type }) => type)).toEqual(expect.arrayContaining(['held', 'charged']));
    expect(await json('list', '--metadata', 'project=winter')).toMatchObject({ data: [{ id: video.id }] });
    expect(await json('watch', video.id)).toMatchObject({ id: video.id, ...charged });
    const remix = await json<{ id: string }>('remix', video.id, 'the same fox, at night');
    expect(remix).toMatchObject({ ...charged, remixed_from_video_id: video.id });
    expect(await json('credits')).toMatchObject({ available_microcredits: CREDITS - 2 * PRICE, held_microcredits: 0 });
    expectLine(await holdfast(['cancel', video.id]).ended, 1, /^This video has completed and was charged/);
    expectLine(await holdfast(['claim', video.id]).ended, 1, /^This video can’t be claimed.* Nothing was held\.$/m);
  });

  it('that failed says the code, the provider’s message, what became of the credits and what to do', async () => {
    const before = await account.credits();
    const { code, stdout } = await holdfast(['generate', BLOCKED]).ended;
    expect(code).toBe(1);
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^Video generation failed · MODERATION_BLOCKED · video_[0-9a-f]{32}$/),
      'Your request was blocked by our moderation system.',
      'Nothing was charged: the hold of 0.571429 credits was released. Credits have been refunded to your account.',
      'Next: change the prompt or the image; the same one would be blocked again.',
      '',
    ]);
    expect(await account.credits()).toEqual(before);
  });

  it('that is stopped by Ctrl-C goes on, and is found again by watch', async () => {
    const running = holdfast(['generate', 'a blue whale [[after:1500ms]]'], { columns: 200 });
    await running.until(/held · Ctrl-C is safe: holdfast watch video_/);
    running.type('\u0003');
    expect((await running.ended).code).toBe(130);
    const line =
      /(video_[0-9a-f]{32}) (queued|in progress)[ %\d]* 00:0\d · 0\.571429 credits held · Ctrl-C is safe: holdfast watch \1/;
    expect(running.output()).toMatch(line);
    const id = line.exec(running.output())?.[1] ?? '';
    expect(running.output()).toContain(
      `Stopped waiting. The video goes on, and is charged only if it completes: holdfast watch ${id}`,
    );
    expect(await json('watch', id)).toMatchObject({ id, ...charged });
  });

  it('whose answer is lost is asked for again, and paid once', async () => {
    const proxy = await startLosingProxy(stack.url, 1, 'break');
    const before = await account.credits();
    const ended = await holdfast(['generate', 'a lost answer', '--no-wait', '--json'], {
      env: { HOLDFAST_URL: proxy.url },
    }).ended;
    const { id } = JSON.parse(ended.stdout) as { id: string };
    expect(proxy.lost()).toBe(1);
    proxy.close();
    expect(await json('watch', id)).toMatchObject(charged);
    expect((await account.credits()).available_microcredits).toBe(before.available_microcredits - PRICE);
  });
});

describe('what goes wrong is one plain line and an exit code', () => {
  it('3 where the API is down', async () => {
    const env = { HOLDFAST_URL: `http://127.0.0.1:${String(await freePort())}` };
    expectLine(await holdfast(['credits'], { env }).ended, 3, /^The API at \S+ can’t be reached \(ECONNREFUSED\)\.$/m);
    const inJson = await holdfast(['credits', '--json'], { env }).ended;
    expect(JSON.parse(inJson.stdout)).toMatchObject({ error: { type: 'not_reachable' } });
  });

  it('1 with a wrong key, which is not printed', async () => {
    const env = { HOLDFAST_API_KEY: 'hf_nobodys' };
    const ended = await holdfast(['credits', '--json'], { env }).ended;
    expect(ended.code).toBe(1);
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code: 'invalid_api_key' } });
    expect(ended.stdout + ended.stderr).not.toContain('hf_nobodys');
  });

  it('2 for wrong use, before anything is sent', async () => {
    await writeFile(join(folder, 'taken.mp4'), 'mine');
    const wrong = [
      ['generate', 'x', '--out', 'taken.mp4'],
      ['generate', 'x', '--out', 'nowhere/a.mp4'],
      ['generate', 'x', '--max-credits', 'much'],
      ['generate', 'x', '--image', 'absent.png'],
      ['show', 'nothing'],
      ['credits', '--profile', 'absent'],
    ];
    const before = await account.credits();
    for (const args of wrong) expectLine(await holdfast(args).ended, 2, /./);
    expect(await account.credits()).toEqual(before);
    expect(await readFile(join(folder, 'taken.mp4'), 'utf8')).toBe('mine');
  });

  it('1 where the disk of --out is full, and the video is kept', async () => {
    const ended = await holdfast(['generate', 'a full disk', '--out', '/dev/full']).ended;
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(
      /\n\/dev\/full could not be written: the disk is full\. The video is charged and kept: holdfast watch video_[0-9a-f]{32} --out FILE\n$/,
    );
  });

  it('1 where its own output can’t be written, and 0 where nobody reads on', async () => {
    const shell = (command: string) => holdfastIn(command);
    expectLine(await shell('"$HOLDFAST" list >/dev/full'), 1, /^The output can’t be written: the disk is full\.$/m);
    expect(await shell('set -o pipefail; "$HOLDFAST" list | true')).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

function holdfastIn(command: string): Promise<Ended> {
  const env = { HOLDFAST, HOLDFAST_URL: stack.url, HOLDFAST_API_KEY: account.key, HOME: folder };
  return start(['/bin/bash', '-c', command], { env, cwd: folder }).ended;
}
