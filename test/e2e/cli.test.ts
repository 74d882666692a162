import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../dev/ports.ts';
import { repository } from '../../dev/state.ts';
import { Caller, type Ended } from '../harness/support/cli.ts';
import { PRICE } from '../harness/support/database.ts';
import { startLosingProxy } from '../harness/support/losingProxy.ts';
import { ADMIN_KEY, openAccount, startStack, type TestStack } from '../harness/support/stack.ts';

/** The command line as it is built, each command a process, against one real stack. */

const BLOCKED = 'an ad for iqus e cigerrates';
const CREDITS = 10_000_000;
const charged = { status: 'completed', credits: { state: 'charged', amount_microcredits: PRICE } };
const LIMIT_MS = 60_000;

let stack: TestStack;
let folder: string;

beforeAll(async () => {
  [stack, folder] = await Promise.all([startStack({ videoSeconds: 0.5 }), mkdtemp(join(tmpdir(), 'holdfast-cli-'))]);
});
afterAll(async () => {
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
});

const newCaller = async (credits = CREDITS) => new Caller(stack.url, await openAccount(stack, credits), folder);

/** Exactly one plain line, and the exit code. */
function expectLine(ended: Ended, code: number, line: RegExp): void {
  expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(line) });
  expect(ended.stderr.match(/\n/g)).toHaveLength(1);
}

describe.concurrent('a video, from the price to the file', { timeout: LIMIT_MS }, () => {
  it('is quoted without being made, held, charged once and downloaded whole', async () => {
    const caller = await newCaller();
    const quote = await caller.json('generate', 'a red fox', '--dry-run');
    expect(quote).toMatchObject({ object: 'video.quote', would_be_accepted: true, amount: '0.571429' });
    const out = join(folder, 'fox.mp4');
    const made = ['generate', 'a red fox', '--seconds', '4', '--metadata', 'project=winter', '--out', out];
    const video = await caller.json<{ id: string }>(...made);
    expect(video).toMatchObject({ ...charged, metadata: { project: 'winter' } });
    const content = await caller.account.fetch(`/v1/videos/${video.id}/content`);
    expect(await readFile(out)).toEqual(Buffer.from(await content.arrayBuffer()));
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
    const [remix] = await Promise.all([
      caller.json<{ id: string }>('remix', video.id, 'the same fox, at night'),
      expect(caller.json('show', video.id)).resolves.toEqual(
        await (await caller.account.fetch(`/v1/videos/${video.id}`)).json(),
      ),
      expect(caller.json('list', '--metadata', 'project=winter')).resolves.toMatchObject({ data: [{ id: video.id }] }),
      expect(caller.json('watch', video.id)).resolves.toMatchObject({ id: video.id, ...charged }),
    ]);
    expect(remix).toMatchObject({ ...charged, remixed_from_video_id: video.id });
    const balance = { available_microcredits: CREDITS - 2 * PRICE, held_microcredits: 0 };
    expect(await caller.json('credits')).toMatchObject(balance);
    expectLine(await caller.run(['cancel', video.id]).ended, 1, /^This video has completed and was charged/);
    expectLine(await caller.run(['claim', video.id]).ended, 1, /^This video can’t be claimed.* Nothing was held\.$/m);
    expect((await caller.text('timeline', video.id)).split('\n')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ {2}0\.571429 credits charged$/)]),
    );
  });

  it('that failed says the code, the provider’s message, what became of the credits and what to do', async () => {
    const caller = await newCaller();
    const { code, stdout } = await caller.run(['generate', BLOCKED]).ended;
    expect(code).toBe(1);
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^Video generation failed · MODERATION_BLOCKED · video_[0-9a-f]{32}$/),
      'Your request was blocked by our moderation system.',
      'Nothing was charged: the hold of 0.571429 credits was released. Credits have been refunded to your account.',
      'Next: change the prompt or the image; the same one would be blocked again.',
      '',
    ]);
    expect(await caller.account.credits()).toMatchObject({ available_microcredits: CREDITS, held_microcredits: 0 });
  });

  it('that is stopped by Ctrl-C goes on, and is found again by watch', async () => {
    const caller = await newCaller();
    const running = caller.run(['generate', 'a blue whale [[after:1500ms]]'], { columns: 200 });
    await running.until(/held · Ctrl-C is safe: holdfast watch video_/);
    running.type('\u0003');
    expect((await running.ended).code).toBe(130);
    const line =
      /(video_[0-9a-f]{32}) (queued|in progress)[ %\d]* 00:0\d · 0\.571429 credits held · Ctrl-C is safe: holdfast watch \1/;
    const [, id = ''] = line.exec(running.output()) ?? [];
    expect(running.output()).toContain(
      `Stopped waiting. The video goes on, and is charged only if it completes: holdfast watch ${id}`,
    );
    expect(await caller.json('watch', id)).toMatchObject({ id, ...charged });
  });

  it('whose answer is lost is asked for again, and paid once', async () => {
    const [caller, proxy] = await Promise.all([newCaller(), startLosingProxy(stack.url, 1, 'break')]);
    const order = ['generate', 'a lost answer', '--no-wait', '--json'];
    const { stdout } = await caller.run(order, { env: { HOLDFAST_URL: proxy.url } }).ended;
    const { id } = JSON.parse(stdout) as { id: string };
    expect(proxy.lost()).toBe(1);
    proxy.close();
    expect(await caller.json('watch', id)).toMatchObject(charged);
    expect(await caller.account.credits()).toMatchObject({ available_microcredits: CREDITS - PRICE });
  });
});

describe.concurrent('what goes wrong is one plain line and an exit code', { timeout: LIMIT_MS }, () => {
  it('3 where the API is down', async () => {
    const [caller, port] = await Promise.all([newCaller(0), freePort()]);
    const env = { HOLDFAST_URL: `http://127.0.0.1:${String(port)}` };
    expectLine(
      await caller.run(['credits'], { env }).ended,
      3,
      /^The API at \S+ can’t be reached \(ECONNREFUSED\)\.$/m,
    );
    const inJson = await caller.run(['credits', '--json'], { env }).ended;
    expect(JSON.parse(inJson.stdout)).toMatchObject({ error: { type: 'not_reachable' } });
  });

  it('1 with a wrong key, which is not printed', async () => {
    const caller = await newCaller(0);
    const ended = await caller.run(['credits', '--json'], { env: { HOLDFAST_API_KEY: 'hf_nobodys' } }).ended;
    expect(ended.code).toBe(1);
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code: 'invalid_api_key' } });
    expect(ended.stdout + ended.stderr).not.toContain('hf_nobodys');
  });

  it('2 for wrong use, before anything is sent', async () => {
    const caller = await newCaller();
    await writeFile(join(folder, 'taken.mp4'), 'mine');
    const wrong = [
      ['generate', 'x', '--out', 'taken.mp4'],
      ['generate', 'x', '--out', 'nowhere/a.mp4'],
      ['generate', 'x', '--max-credits', 'much'],
      ['generate', 'x', '--image', 'absent.png'],
      ['show', 'nothing'],
      ['credits', '--profile', 'absent'],
    ];
    for (const ended of await Promise.all(wrong.map((args) => caller.run(args).ended))) expectLine(ended, 2, /./);
    expect(await caller.account.credits()).toMatchObject({ available_microcredits: CREDITS, held_microcredits: 0 });
    expect(await readFile(join(folder, 'taken.mp4'), 'utf8')).toBe('mine');
  });

  it('1 where the disk of --out is full, and the video is kept', async () => {
    const ended = await (await newCaller()).run(['generate', 'a full disk', '--out', '/dev/full']).ended;
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(
      /\n\/dev\/full could not be written: the disk is full\. The video is charged and kept: holdfast watch video_[0-9a-f]{32} --out FILE\n$/,
    );
    expect((await stat('/dev/full')).isCharacterDevice()).toBe(true);
  });

  it('1 where its own output can’t be written, and 0 where nobody reads on', async () => {
    const caller = await newCaller(0);
    const bash = (command: string) => caller.start(['/bin/bash', '-c', command]).ended;
    expectLine(await bash('"$HOLDFAST" list >/dev/full'), 1, /^The output can’t be written: the disk is full\.$/m);
    expect(await bash('set -o pipefail; "$HOLDFAST" list | true')).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

describe.concurrent('texts, statements and webhooks', { timeout: LIMIT_MS }, () => {
  it('a thread is printed while it is written, and charged for what it used', async () => {
    const caller = await newCaller();
    const quote = await caller.json('thread', 'a red fox', '--posts', '3', '--dry-run');
    expect(quote).toMatchObject({ object: 'thread.quote', would_be_accepted: true });
    const running = caller.run(['thread', 'a red fox', '--posts', '3'], { columns: 100 });
    const [{ code }, script] = await Promise.all([
      running.ended,
      caller.json<{ id: string; text: string }>('script', 'a red fox', '--length', 'short'),
    ]);
    expect(code).toBe(0);
    expect(running.output().replaceAll('\r\n', '\n')).toMatch(
      /^1\. [^]+\n\n2\. [^]+\n\n3\. [^]+\n\n\S*Thread completed\S* · thread_[0-9a-f]{32}\n[\d.]+ credits were charged for this thread/,
    );
    expect(script).toMatchObject({ object: 'script', status: 'completed', credits: { state: 'charged' } });
    expect(await caller.text('show', script.id)).toContain(script.text);
  });

  it('a statement is the same in a table, as JSON and as CSV', async () => {
    const caller = await newCaller();
    await caller.json('script', 'a red fox');
    const [table, page, csv] = await Promise.all([
      caller.text('statement'),
      caller.json<{ data: { id: string; kind: string }[] }>('statement', '--since', '2026-01-01'),
      caller.text('statement', '--csv'),
    ]);
    expect(page.data.map(({ kind }) => kind)).toEqual(['capture', 'hold', 'grant']);
    expect(
      table
        .split('\n')
        .slice(1, 4)
        .map((line) => line.split(/ {2,}/)[1]),
    ).toEqual(['capture', 'hold', 'grant']);
    expect(table).toMatch(
      /^In all: 10\.000000 granted, 0\.\d{6} charged, 0\.000000 refunded, 0\.000000 taken back\.$/m,
    );
    const [, ...rows] = csv.trimEnd().split('\n');
    expect(rows.map((row) => row.split(',')[1])).toEqual(page.data.map(({ id }) => id).toReversed());
    const both = await caller.run(['statement', '--csv', '--json']).ended;
    expect(both.code).toBe(2);
  });

  it('a webhook’s secret goes to a file of its owner, and nowhere else', async () => {
    const caller = await newCaller(0);
    const file = join(folder, 'secret');
    const add = ['webhooks', 'add', 'https://example.com/hook', '--events', 'video.failed', '--secret-file', file];
    const { id } = await caller.json<{ id: string }>(...add);
    const secret = (await readFile(file, 'utf8')).trim();
    expect(secret).toMatch(/^whsec_/);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const listed = await caller.text('webhooks', 'list');
    expect(listed).toContain(`${id}  enabled`);
    expect(listed).not.toContain(secret);
    // The file is there already: no second endpoint is made.
    expect((await caller.run(add).ended).code).toBe(2);
    expect(await caller.json('webhooks', 'delete', id)).toMatchObject({ id, deleted: true });
    expect(await caller.text('webhooks', 'list')).toBe('No webhook endpoints.\n');
  });
});

describe.concurrent('an operator', { timeout: LIMIT_MS }, () => {
  it('makes an account, gives it credits and a key that is never printed, freezes it and takes back', async () => {
    const caller = await newCaller(0);
    const { id } = await caller.json<{ id: string }>('account', 'create', 'Acme');
    expect(await caller.text('grant', id, '10', '--reason', 'invoice 1')).toBe(
      `10.000000 credits were granted to ${id}; 10.000000 are available.\n`,
    );
    expect(await caller.json('grant', id, '-2.5', '--reason', 'mistake')).toMatchObject({
      available_microcredits: 7_500_000,
    });
    const keyFile = join(folder, 'acme.key');
    const create = [
      'key',
      'create',
      id,
      'first',
      '--scopes',
      'credits:read',
      '--daily-limit',
      '5',
      '--key-file',
      keyFile,
    ];
    const made = await caller.run([...create, '--json']).ended;
    const key = (await readFile(keyFile, 'utf8')).trim();
    expect(made.stdout + made.stderr).not.toContain(key);
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
    const withKey = await caller.run(['credits', '--json'], { env: { HOLDFAST_API_KEY: key } }).ended;
    expect(JSON.parse(withKey.stdout)).toMatchObject({ account_id: id, available_microcredits: 7_500_000 });
    const { id: keyId } = JSON.parse(made.stdout) as { id: string };
    const rotated = await caller.json<{ id: string }>(
      'key',
      'rotate',
      id,
      keyId,
      '--key-file',
      join(folder, 'second.key'),
    );
    await caller.json('key', 'revoke', id, rotated.id);
    expect(await caller.text('key', 'list', id)).toMatch(/key_[0-9a-f]{32} {2}revoked .*5\.000000/);
    expect(await caller.json('account', 'freeze', id, '--reason', 'chargeback')).toMatchObject({ outcome: 'frozen' });
    expect(await caller.text('account', 'show', id)).toMatch(/^frozen +\S+ \S+: chargeback$/m);
    expect(await caller.json('account', 'unfreeze', id, '--reason', 'settled')).toMatchObject({ frozen: false });
    expect(await caller.json('account', 'list', '--name', 'Acme')).toMatchObject({ data: [{ id }] });
  });

  it('sees why a video failed or was charged on one screen, and refunds it', async () => {
    const caller = await newCaller();
    const failed = await caller.run(['generate', BLOCKED, '--json']).ended;
    const { id } = JSON.parse(failed.stdout) as { id: string };
    const running = caller.run(['why', id], { columns: 140 });
    expect((await running.ended).code).toBe(0);
    const screen = running.output();
    for (const part of [
      `${id} failed · MODERATION_BLOCKED`,
      /Hold of 0\.571429 credits placed/,
      /hold +-0\.571429 +0\.571429/,
      /release +0\.571429 +-0\.571429/,
      /its error +moderation_blocked Your request was blocked/,
      `http://temporal.test/namespaces/default/workflows/${id}`,
      /settled for +provider_failed/,
    ]) {
      expect(screen).toMatch(part);
    }
    const video = await caller.json<{ id: string }>('generate', 'a red fox');
    const refund = await caller.json('refund', video.id, '--amount', '0.5', '--reason', 'half of it is black');
    expect(refund).toMatchObject({ amount_microcredits: 500_000, refundable_microcredits: 71_429 });
    const why = await caller.json('why', video.id);
    expect(why).toMatchObject({
      object: 'why',
      generation: { id: video.id, account_id: caller.account.id },
      transactions: { data: [{ kind: 'hold' }, { kind: 'capture' }, { kind: 'refund' }] },
      account: { id: caller.account.id },
    });
    expectLine(await caller.run(['why', `video_${'0'.repeat(32)}`]).ended, 1, /^No account has video_0+\./);
  });

  it('and a customer read all that is left as the API’s own JSON', async () => {
    const caller = await newCaller();
    const { id } = caller.account;
    const { id: text } = await caller.json<{ id: string }>('script', 'a red fox');
    const commands: [args: string[], path: string, isAdmin: boolean][] = [
      [['timeline', text], `/v1/scripts/${text}/timeline`, false],
      [['webhooks', 'list'], '/v1/webhook_endpoints', false],
      [['account', 'show', id], `/admin/accounts/${id}`, true],
      [['key', 'list', id], `/admin/accounts/${id}/keys`, true],
    ];
    const printed = await Promise.all(commands.map(([args]) => caller.json(...args)));
    for (const [index, [, path, isAdmin]] of commands.entries()) {
      const answer = await caller.account.fetch(
        path,
        isAdmin ? { headers: { authorization: `Bearer ${ADMIN_KEY}` } } : {},
      );
      expect(printed[index]).toEqual(await answer.json());
    }
    expect(await caller.json('overview')).toMatchObject({ object: 'overview', stuck_holds: 0 });
  });

  it('looks over the installation, reconciles without a change, and sets prices', async () => {
    const caller = await newCaller();
    const doctor = await caller.run(['doctor', '--json']).ended;
    const { ok } = JSON.parse(doctor.stdout) as { ok: boolean };
    expect(doctor.code).toBe(ok ? 0 : 1);
    const report = { object: 'reconciliation', dry_run: true, acts_made: 0 };
    expect(await caller.json('reconcile', '--dry-run')).toMatchObject(report);
    const set = ['price', 'set', 'cli-model', '640x360', '--cost-per-second', '0.1', '--margin', '20'];
    expect(await caller.json(...set)).toMatchObject({ object: 'price', model: 'cli-model' });
    expect(await caller.json('price', 'list')).toMatchObject({ object: 'list', offers: expect.any(Array) });
    expect(await caller.text('price', 'list', '--model', 'cli-model')).toMatch(/cli-model +640x360 +4 s +0\.500000/);
    const text = ['price', 'set-text', 'cli-text', '--input', '0.25', '--output', '2', '--margin', '30'];
    expect(await caller.json(...text)).toMatchObject({ object: 'text_price', model: 'cli-text' });
  });
});

describe('its package', () => {
  it(
    'installed from its tarball, runs with nothing of the repository, and completes commands',
    { timeout: LIMIT_MS },
    async () => {
      const caller = await newCaller();
      const cache = { npm_config_cache: join(folder, 'npm'), npm_config_offline: 'true' };
      const bash = (command: string) =>
        caller.start(['/bin/bash', '-euc', command], { env: { ...cache, REPOSITORY: repository } }).ended;
      const packed = await bash('cd "$REPOSITORY/cli" && npm pack --silent --pack-destination "$HOME"');
      expect(packed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^holdfast-cli-[\d.]+\.tgz$/m) });
      const install =
        'mkdir installed && cd installed && npm install --silent --no-audit --no-fund ../holdfast-cli-*.tgz';
      expect(await bash(install)).toMatchObject({ code: 0 });
      const run = 'export PATH="$PWD/installed/node_modules/.bin:$PATH"';
      const credits = await bash(`${run}; holdfast credits --json; ls installed/node_modules`);
      expect(credits.stdout).toContain(`"available_microcredits": ${CREDITS}`);
      expect(credits.stdout).toMatch(/\}\nholdfast-cli\n$/);
      // What the package bash-completion brings, which not every machine has.
      const words = '_get_comp_words_by_ref() { words=("${COMP_WORDS[@]}"); cword=$COMP_CWORD; cur=${words[cword]}; }';
      const typed = 'COMP_WORDS=(holdfast gen) COMP_CWORD=1; __holdfast_complete; echo ${COMPREPLY[@]}';
      const complete = `set +e; ${run}; ${words}; source <(holdfast complete bash); ${typed}`;
      expect(await bash(complete)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^generate/) });
      for (const shell of ['zsh', 'fish'])
        expect((await bash(`${run}; holdfast complete ${shell}`)).stdout).toContain('holdfast');
    },
  );
});
