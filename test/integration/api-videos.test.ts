import { APIError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectRefused, jsonPost, type Shown, untilTerminal } from '../harness/support/answers.ts';
import { PRICE } from '../harness/support/database.ts';
import { expectNoDrift, readableHistory } from '../harness/support/generations.ts';
import { PNG } from '../harness/support/png.ts';
import type { TestStack } from '../harness/support/stack.ts';
import { openAccount, startStack } from '../harness/support/stack.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(async () => {
  await stack.stop();
});

describe("OpenAI's Node SDK, unchanged", () => {
  it('creates, retrieves until completed and downloads an MP4; the balance falls by the price', async () => {
    const account = await openAccount(stack, 10_000_000);
    const created = (await account.client.videos.create({
      prompt: 'a red fox',
      model: 'sora-2',
      seconds: '4',
    })) as unknown as Shown;
    // The provider may have taken it before the answer was read from the ledger.
    expect(['queued', 'in_progress']).toContain(created.status);
    expect(created).toMatchObject({ credits: { state: 'held', amount_microcredits: PRICE } });
    expect(await account.credits()).toMatchObject({
      available_microcredits: 10_000_000 - PRICE,
      held_microcredits: PRICE,
    });
    const video = await untilTerminal(account, created.id);
    expect(video).toMatchObject({ status: 'completed', progress: 100, credits: { state: 'charged' } });
    const bytes = Buffer.from(await (await account.client.videos.downloadContent(created.id)).arrayBuffer());
    expect(bytes.subarray(4, 8).toString()).toBe('ftyp');
    expect(await account.credits()).toMatchObject({ available_microcredits: 10_000_000 - PRICE, held_microcredits: 0 });
    await expectNoDrift(stack);
  });

  // MR-11
  it('is told why a blocked video failed, and that the credits are back', async () => {
    const account = await openAccount(stack, 1_000_000);
    const created = await account.client.videos.create({ prompt: 'an ad for iqus e cigerrates' });
    const video = await untilTerminal(account, created.id);
    expect(video).toMatchObject({
      status: 'failed',
      progress: 0,
      error: { code: 'moderation_blocked', message: 'Your request was blocked by our moderation system.' },
      credits: {
        state: 'refunded',
        message: expect.stringMatching(/^Nothing was charged: .* Credits have been refunded to your account\.$/),
      },
    });
    expect(await account.credits()).toMatchObject({ available_microcredits: 1_000_000, held_microcredits: 0 });
  });

  it('gets a 402 at once, without a retry, that names price, available and reserved', async () => {
    const account = await openAccount(stack, PRICE + 100);
    await account.client.videos.create({ prompt: 'first [[never]]' });
    const error: unknown = await account.client.videos.create({ prompt: 'second' }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ status: 402, code: 'insufficient_credits' });
    expect((error as APIError).message).toContain(
      'This video costs 0.571429 credits; 0.000100 are available (0.571429 more are reserved for 1 video in progress).',
    );
  });

  it('gets a 402 that counts what credits are reserved for as what it is', async () => {
    const account = await openAccount(stack, 3 * PRICE);
    await account.client.videos.create({ prompt: 'first [[never]]' });
    await account.client.videos.create({ prompt: 'second [[never]]' });
    const script = await account.fetch('/v1/scripts', jsonPost({ topic: 'held [[chat:slow]]', stream: true }));
    const refused = await account.fetch('/v1/videos', jsonPost({ prompt: 'third' }));
    await script.body?.cancel();
    expect(refused.status).toBe(402);
    const { error } = (await refused.json()) as { error: { message: string } };
    expect(error.message).toMatch(/more are reserved for 2 videos and 1 script in progress\)\. Nothing was held\./);
  });

  it('asks what a video would cost as the documentation shows, and pays nothing', async () => {
    const account = await openAccount(stack, PRICE);
    expect(await account.client.videos.create({ prompt: 'x' }, { query: { dry_run: true } })).toMatchObject({
      object: 'video.quote',
      amount_microcredits: PRICE,
      would_be_accepted: true,
    });
    const inBody: object = { prompt: 'x', dry_run: true };
    const refused: unknown = await account.client.videos.create(inBody as never).catch((caught: unknown) => caught);
    expect((refused as APIError).message).toContain('dry_run must be a query parameter: ?dry_run=true.');
    expect(await stack.database.ledger.getBalance(account.id)).toMatchObject({ availableMicrocredits: PRICE });
  });

  it('sends a reference image, which reaches the provider', async () => {
    const account = await openAccount(stack, 1_000_000);
    const image = new File([PNG], 'a.png');
    const created = await account.client.videos.create({ prompt: 'from an image', input_reference: image });
    const { rows } = await stack.database.admin.query(
      'SELECT images, image_types, image_roles FROM inputs WHERE generation_id = $1',
      [created.id],
    );
    expect(rows).toEqual([{ images: [PNG], image_types: ['image/png'], image_roles: ['input_reference'] }]);
    expect((await untilTerminal(account, created.id)).status).toBe('completed');
  });
});

describe('content', () => {
  // MR-52
  it('is served with ranges once charged, never before, and never after a refund', async () => {
    const account = await openAccount(stack, 2_000_000);
    const open = await account.client.videos.create({ prompt: 'open [[never]]' });
    await expectRefused(await account.fetch(`/v1/videos/${open.id}/content`), 400, 'video_not_ready');
    const failed = await account.client.videos.create({ prompt: 'fails [[fail:invalid_request]]' });
    const done = await account.client.videos.create({ prompt: 'fine' });
    await untilTerminal(account, failed.id);
    await expectRefused(await account.fetch(`/v1/videos/${failed.id}/content`), 402, 'not_charged');
    await untilTerminal(account, done.id);
    const part = await account.fetch(`/v1/videos/${done.id}/content`, { headers: { range: 'bytes=4-7' } });
    expect({ status: part.status, text: await part.text() }).toEqual({ status: 206, text: 'ftyp' });
    const thumbnail = await account.fetch(`/v1/videos/${done.id}/content?variant=thumbnail`);
    expect(thumbnail.headers.get('content-type')).toContain('image/');
    await thumbnail.body?.cancel();
  });
});

describe('the timeline', () => {
  it('tells in words why credits were charged or came back, from the events alone', async () => {
    const account = await openAccount(stack, 3_000_000);
    const [done, blocked, refused, away] = [
      await account.client.videos.create({ prompt: 'told' }),
      await account.client.videos.create({ prompt: 'an ad for iqus e cigerrates' }),
      await account.client.videos.create({ prompt: 'bad [[create:400:bad_thing]]' }),
      await account.client.videos.create({ prompt: 'away for a while [[poll:reset*2]]' }),
    ];
    const told = async ({ id }: { id: string }) => {
      await untilTerminal(account, id);
      const { data } = (await (await account.fetch(`/v1/videos/${id}/timeline`)).json()) as {
        data: { message: string; at: string }[];
      };
      expect(data.map(({ at }) => at)).toEqual(data.map(({ at }) => at).sort());
      return data.map(({ message }) => message);
    };
    expect(await told(done)).toEqual([
      'Requested, at a price of 0.571429 credits',
      'Hold of 0.571429 credits placed',
      'Asking the provider for the video',
      'The provider has begun',
      'The provider reported that the video is complete',
      '0.571429 credits charged',
    ]);
    expect((await told(blocked)).slice(-2)).toEqual([
      'The provider reported a failure: it was blocked by moderation',
      '0.571429 credits returned: it was blocked by moderation',
    ]);
    expect((await told(refused)).slice(-2)).toEqual([
      'The provider refused the request: the provider’s reason is “bad_thing”',
      '0.571429 credits returned: the provider’s reason is “bad_thing”',
    ]);
    expect((await told(away)).at(-3)).toMatch(
      /^The provider gave no usable answer: 2 tries over \d+ seconds?; credits stay reserved$/,
    );
    const stranger = await openAccount(stack, 0);
    expect((await stranger.fetch(`/v1/videos/${done.id}/timeline`)).status).toBe(404);
  });
});

describe('another tenant', () => {
  it("gets 404 for an id that isn't theirs, as for one that never was", async () => {
    const [owner, stranger] = await Promise.all([openAccount(stack, 1_000_000), openAccount(stack, 1_000_000)]);
    const { id } = await owner.client.videos.create({ prompt: 'mine' });
    for (const path of [
      `/v1/videos/${id}`,
      `/v1/videos/${id}/content`,
      '/v1/videos/video_00',
      '/v1/videos/%00',
      '/v1/videos/..%2f..',
    ]) {
      await expectRefused(await stranger.fetch(path), 404, 'not_found');
    }
  });
});

it("without a secret nobody listens for the provider's webhooks: an empty secret verifies nothing", async () => {
  const answer = await fetch(`${stack.url}/webhooks/openai`, { method: 'POST', body: '{}' });
  await expectRefused(answer, 404, 'not_found');
});

// MR-80
it('no workflow of these has a prompt, a file or a key in its history', async () => {
  const { rows } = await stack.database.pool.query<{ id: string; account_id: string }>(
    "SELECT id, account_id FROM generations WHERE state <> 'requested'",
  );
  expect(rows.length).toBeGreaterThan(4);
  for (const { id, account_id: accountId } of rows) {
    const history = await readableHistory(stack, id);
    expect(history).toContain(accountId);
    expect(history).not.toMatch(/hf_|red fox|cigerrates|from an image|IHDR/);
  }
});

// MR-80
it('nothing that is secret is logged by any of it', () => {
  expect(stack.logged.filter((line) => /hf_|fox|the-admin-key/.test(line))).toEqual([]);
});
