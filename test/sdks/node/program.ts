import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import OpenAI, { toFile } from 'openai';

/** The steps of `../steps.ts` with OpenAI's Node SDK, in the TypeScript of a user who has copied clients/holdfast.d.ts. */

const given = (name: string) => process.env[name] ?? '';
const with_ = (apiKey: string) => new OpenAI({ apiKey, baseURL: given('API_URL') });
const client = with_(given('API_KEY'));
const ORDER = { model: 'sora-2', prompt: 'a red fox', seconds: '4', size: '720x1280' } as const;
const KEYS = [
  ...['id', 'object', 'model', 'status', 'progress', 'created_at', 'completed_at', 'expires_at', 'prompt', 'size'],
  ...['seconds', 'remixed_from_video_id', 'error', 'credits'],
];
const png = readFileSync(given('PNG_FILE'));
const dataUrl = `data:image/png;base64,${png.toString('base64')}`;

async function step(name: string, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
    console.log(`ok ${name}`);
  } catch (error) {
    console.log(`not ok ${name}: ${String(error).replaceAll('\n', ' ')}`);
  }
}

function assertHeld(video: OpenAI.Video): void {
  for (const key of KEYS) assert.ok(key in video, `no ${key}`);
  assert.equal(video.object, 'video');
  // The provider may have it by the time of the answer.
  assert.ok(['queued', 'in_progress'].includes(video.status), video.status);
  assert.equal(video.credits.state, 'held');
}

async function untilTerminal(id: string): Promise<OpenAI.Video> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    const video = await client.videos.retrieve(id);
    if (video.status === 'completed' || video.status === 'failed') return video;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${id} did not end`);
}

type ErrorClass = new (...args: never[]) => InstanceType<typeof OpenAI.APIError>;

async function refused(
  call: () => Promise<unknown>,
  type: ErrorClass,
  details: { status?: number; code?: string; param?: string },
): Promise<void> {
  const error: unknown = await call().catch((reason: unknown) => reason);
  assert.ok(error instanceof type, `${String(error)} is not a ${type.name}`);
  const { status = error.status, code = error.code, param = error.param } = details;
  assert.deepEqual([error.status, error.code, error.param], [status, code, param]);
}

let id = '';
const made: string[] = [];

await step('create', async () => {
  const video = await client.videos.create(ORDER);
  id = video.id;
  made.push(id);
  assertHeld(video);
});
await step('poll', async () => {
  const video = await untilTerminal(id);
  assert.equal(video.status, 'completed');
  assert.equal(video.progress, 100);
  assert.equal(video.credits.state, 'charged');
});
await step('create with a file', async () => {
  const file = await toFile(png, 'fox.png', { type: 'image/png' });
  const video = await client.videos.create({ ...ORDER, input_reference: file });
  made.push(video.id);
  assertHeld(video);
});
await step('create with a data URL', async () => {
  const video = await client.videos.create({ ...ORDER, input_reference: { image_url: dataUrl } });
  made.push(video.id);
  assertHeld(video);
  const body = { ...ORDER, input_reference: { image_url: dataUrl } };
  const asJson = await client.post<OpenAI.Video>('/videos', { body });
  made.push(asJson.id);
  assertHeld(asJson);
});
await step('list', async () => {
  const found: string[] = [];
  for await (const video of client.videos.list({ limit: 1, order: 'asc' })) found.push(video.id);
  assert.deepEqual(found, made);
});
await step('content', async () => {
  for (const [variant, type] of [
    ['video', 'video/mp4'],
    ['thumbnail', 'image/'],
    ['spritesheet', 'image/'],
  ] as const) {
    const content = await client.videos.downloadContent(id, { variant });
    assert.ok(content.headers.get('content-type')?.startsWith(type));
    assert.ok((await content.arrayBuffer()).byteLength > 100);
  }
});
await step('range', async () => {
  const part = await client.videos.downloadContent(id, null, { headers: { range: 'bytes=4-7' } });
  assert.deepEqual([part.status, await part.text()], [206, 'ftyp']);
});
await step('remix', async () => {
  const remix = await client.videos.remix(id, { prompt: 'the same fox at night', max_credits: '100' });
  assertHeld(remix);
  assert.equal(remix.remixed_from_video_id, id);
});
await step('delete', async () => {
  const { deleted } = await client.videos.delete(id);
  assert.equal(deleted, true);
  await refused(() => client.videos.retrieve(id), OpenAI.NotFoundError, { code: 'not_found' });
});
await step('user and metadata', async () => {
  const labels = { user: 'user-1', metadata: { order: '42' } };
  const video = await client.videos.create({ ...ORDER, ...labels });
  assert.deepEqual({ user: video.user, metadata: video.metadata }, labels);
  const { data } = await client.videos.list(labels);
  assert.deepEqual(
    data.map((found) => found.id),
    [video.id],
  );
});
await step('other routes', async () => {
  const script = await client.post<{ status: string }>('/scripts', { body: { topic: 'a red fox' } });
  assert.equal(script.status, 'completed');
  assert.equal((await client.get<{ object: string }>('/credits')).object, 'credits');
});

await step('400 names the parameter', () =>
  refused(() => client.videos.create({ ...ORDER, seconds: '5' }), OpenAI.BadRequestError, { param: 'seconds' }),
);
await step('401', () =>
  refused(() => with_('hf_unknown').videos.retrieve(made[1] ?? ''), OpenAI.AuthenticationError, {
    code: 'invalid_api_key',
  }),
);
await step('402', () =>
  refused(() => with_(given('POOR_KEY')).videos.create(ORDER), OpenAI.APIError, {
    status: 402,
    code: 'insufficient_credits',
  }),
);
await step('404', () =>
  refused(() => client.videos.retrieve(`video_${'0'.repeat(32)}`), OpenAI.NotFoundError, { code: 'not_found' }),
);
await step('409', async () => {
  const endless = await client.videos.create({ ...ORDER, prompt: 'a fox [[never]]' });
  await refused(() => client.videos.delete(endless.id), OpenAI.ConflictError, { code: 'video_not_terminal' });
});
await step('429', async () => assertHeld(await with_(given('FULL_KEY')).videos.create(ORDER)));

await step('max_credits', () =>
  refused(() => client.videos.create({ ...ORDER, max_credits: '0.1' }), OpenAI.BadRequestError, {
    param: 'max_credits',
  }),
);
await step('Idempotency-Key', async () => {
  const options = { headers: { 'Idempotency-Key': 'order-1' } };
  const first = await client.videos.create(ORDER, options);
  assert.equal((await client.videos.create(ORDER, options)).id, first.id);
});
await step('the option idempotencyKey sends nothing', async () => {
  const first = await client.videos.create(ORDER, { idempotencyKey: 'order-2' });
  assert.notEqual((await client.videos.create(ORDER, { idempotencyKey: 'order-2' })).id, first.id);
});
await step('a lost answer', async () => {
  const lossy = with_(given('LOSSY_KEY'));
  await lossy.videos.list();
  assert.match((await lossy.videos.create(ORDER)).id, /^video_/);
});
