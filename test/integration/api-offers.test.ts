import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PNG } from '../harness/support/png.ts';
import type { TestAccount, TestStack } from '../harness/support/stack.ts';
import { ADMIN_KEY, adminPost, openAccount, startStack } from '../harness/support/stack.ts';

/** What is sold of a model, as a client sees it and an operator sets it. */

let stack: TestStack;
let account: TestAccount;
beforeAll(async () => {
  stack = await startStack();
  account = await openAccount(stack, 100_000_000);
  expect((await adminPost(stack, '/prices', PRICE, { 'idempotency-key': 'wan' })).status).toBe(200);
  expect((await setOffer(WAN, 'offer')).status).toBe(200);
});
afterAll(async () => {
  await stack.stop();
});

const PRICE = { model: 'wan', size: '720x1280', cost_per_second_microcredits: 10_000, margin_basis_points: 0 };
const SEED = { name: 'seed', type: 'integer', min: 0, max: 99 };
const WAN = {
  model: 'wan',
  provider_model: 'wan2.2-t2v',
  lengths: { min: 4, max: 8 },
  parameters: [
    { name: 'seed', type: 'integer', min: 0, max: 4294967295, sent_as: 'rng' },
    { name: 'generate_audio', type: 'boolean', default: false, price: { true: { per_second_microcredits: 5000 } } },
    { name: 'negative_prompt', type: 'string', max_length: 100 },
  ],
};
const setOffer = async (body: object, key: string) => adminPost(stack, '/offers', body, { 'idempotency-key': key });

async function create(body: Record<string, unknown>, query = '', headers: Record<string, string> = {}) {
  const answer = await account.fetch(`/v1/videos${query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ prompt: 'a fox [[never]]', model: 'wan', ...body }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

async function createByForm(fields: Record<string, string>, headers: Record<string, string> = {}, query = '') {
  const form = new FormData();
  for (const [name, value] of Object.entries({ prompt: 'a fox [[never]]', model: 'wan', ...fields })) {
    form.set(name, value);
  }
  const answer = await account.fetch(`/v1/videos${query}`, { method: 'POST', body: form, headers });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

const read = async (path: string) => (await (await account.fetch(path)).json()) as Record<string, unknown>;

describe('what is sold of a model', () => {
  it('stands in GET /v1/models and GET /v1/prices, with what each value costs, and without the provider’s names', async () => {
    const offer = {
      object: 'offer',
      model: 'wan',
      seconds: ['4', '5', '6', '7', '8'],
      sizes: ['720x1280'],
      parameters: [
        { name: 'seed', type: 'integer', min: 0, max: 4294967295 },
        {
          name: 'generate_audio',
          type: 'boolean',
          default: false,
          effects: { true: { per_second_microcredits: 5000 } },
        },
        { name: 'negative_prompt', type: 'string', max_length: 100 },
      ],
    };
    expect(await read('/v1/models/wan')).toMatchObject({ offer });
    const { data, offers } = (await read('/v1/prices')) as {
      data: { model: string; seconds: string }[];
      offers: object[];
    };
    expect(offers).toContainEqual(offer);
    expect(data.filter(({ model }) => model === 'wan').map(({ seconds }) => seconds)).toEqual(offer.seconds);
    expect(JSON.stringify([await read('/v1/models'), offers])).not.toMatch(/wan2|rng|sent_as/);
  });

  it('is priced alike by a dry run and by a create, in JSON and in a form', async () => {
    const asked = { seconds: '5', seed: 7, generate_audio: true };
    expect(await create(asked, '?dry_run=true')).toMatchObject({ status: 200, body: { amount_microcredits: 75_000 } });
    const credits = { amount_microcredits: 75_000 };
    expect(await create(asked)).toMatchObject({ status: 200, body: { model: 'wan', seconds: '5', credits } });
    const byForm = await createByForm({ duration: '5', resolution: '720x1280', seed: '7', generate_audio: 'true' });
    expect(byForm).toMatchObject({ status: 200, body: { seconds: '5', size: '720x1280', credits } });
    expect(await create({ duration: 6 })).toMatchObject({ status: 200, body: { seconds: '6' } });
  });

  it.each<[what: string, body: Record<string, unknown>, param: string]>([
    ['n', { n: 4 }, 'n'],
    ['num_frames', { num_frames: 1000 }, 'num_frames'],
    ['output_path', { output_path: '/srv/x' }, 'output_path'],
    ['lora', { lora: [{ path: 'x' }] }, 'lora'],
    ['num_outputs_per_prompt', { num_outputs_per_prompt: 2 }, 'num_outputs_per_prompt'],
    ['extra_args', { extra_args: { num_frames: 99 } }, 'extra_args'],
    ['extra_body', { extra_body: '{"n":2}' }, 'extra_body'],
    ['a length that is not sold', { seconds: '9' }, 'seconds'],
    ['a duration that is not sold', { duration: 4.5 }, 'duration'],
    ['a resolution that is not sold', { resolution: '4k' }, 'resolution'],
    ['a parameter out of range', { seed: -1 }, 'seed'],
    ['a list for a parameter', { seed: [1] }, 'seed'],
    ['a parameter of another model', { model: 'sora-2', seed: 1 }, 'seed'],
  ])(
    'is no %s: refused by its name, by a dry run and by a create, in JSON and in a form',
    async (_what, body, param) => {
      for (const query of ['', '?dry_run=true']) {
        const refused = { status: 400, body: { error: { code: 'invalid_request', param } } };
        expect(await create(body, query)).toMatchObject(refused);
        const texts = Object.entries(body).map(([name, value]) => [
          name,
          typeof value === 'string' ? value : JSON.stringify(value),
        ]);
        expect(await createByForm(Object.fromEntries(texts) as Record<string, string>, {}, query)).toMatchObject(
          refused,
        );
      }
    },
  );

  it('is sent to the provider under its names there', async () => {
    const { body } = await create({ prompt: 'a fox', seconds: '4', seed: 7 });
    // The simulator knows no such parameter, and says which.
    await expect
      .poll(async () => read(`/v1/videos/${String(body['id'])}`), { timeout: 20_000 })
      .toMatchObject({ status: 'failed', error: { code: 'unknown_parameter', message: "Unknown parameter: 'rng'." } });
  });
});

describe('the parameters that a video was ordered with', () => {
  it('are in the video, its list and the first line of its timeline, defaults filled in, until it is deleted', async () => {
    const asked = { prompt: 'a fox', seconds: '4', seed: '7', negative_prompt: `${'fog '.repeat(10)}and rain` };
    const parameters = { seed: 7, negative_prompt: asked.negative_prompt, generate_audio: false };
    const { body } = await create(asked);
    expect(body).toMatchObject({ parameters });
    const path = `/v1/videos/${String(body['id'])}`;
    await expect.poll(async () => read(path), { timeout: 20_000 }).toMatchObject({ status: 'failed', parameters });
    expect(await read('/v1/videos?limit=1')).toMatchObject({ data: [{ id: body['id'], parameters }] });
    const first = async () => ((await read(`${path}/timeline`)) as { data: { message: string }[] }).data[0]?.message;
    const words = `negative_prompt “${'fog '.repeat(10)}…”`;
    expect(await first()).toBe(`Requested with seed 7, generate_audio false, ${words}, at a price of 0.040000 credits`);
    // One of them is text, and an operator is shown no text of a customer's.
    for (const shown of [
      `/accounts/${account.id}/videos`,
      `/accounts/${account.id}${path.slice('/v1'.length)}/timeline`,
    ]) {
      const answer = await fetch(`${stack.url}/admin${shown}`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
      const text = await answer.text();
      expect(text).toContain(shown.endsWith('timeline') ? 'Requested, at a price of' : String(body['id']));
      expect(text).not.toContain('fog');
    }
    expect((await account.fetch(path, { method: 'DELETE' })).status).toBe(200);
    expect(await first()).toBe('Requested, at a price of 0.040000 credits');
  });

  it('are none for a model without any', async () => {
    expect((await create({ model: 'sora-2' })).body).toMatchObject({ parameters: {} });
  });
});

describe('a model that is sold with images', () => {
  const image = (frame?: string) => ({
    ...{ type: 'image_url', image_url: { url: `data:image/png;base64,${PNG.toString('base64')}` } },
    ...(frame !== undefined && { frame_type: frame }),
  });
  const frames = [image('first_frame'), image('last_frame')];
  const keep = async (id: unknown) =>
    (
      await stack.database.admin.query<{ roles: string[]; bytes: number }>(
        `SELECT image_roles AS roles, octet_length(array_to_string(images, '')) AS bytes FROM inputs WHERE generation_id = $1`,
        [id],
      )
    ).rows;
  beforeAll(async () => {
    await adminPost(stack, '/prices', { ...PRICE, model: 'i2v' }, { 'idempotency-key': 'i2v' });
    const parameters = [
      { name: 'frame_images', type: 'images', max_items: 2, price: { amount_microcredits: 500 } },
      { name: 'input_references', type: 'images', max_items: 1 },
    ];
    expect((await setOffer({ model: 'i2v', parameters, prompt_flags: 'refuse' }, 'i2v offer')).status).toBe(200);
  });

  it('is priced with them, keeps them until it is settled, and its provider gets them', async () => {
    const asked = { model: 'i2v', prompt: 'a fox', frame_images: frames };
    expect((await create(asked, '?dry_run=true')).body).toMatchObject({ amount_microcredits: 40_500 });
    const { status, body } = await create({ ...asked, prompt: 'a fox [[after:2s]]' });
    const shown = { parameters: { frame_images: 2 }, credits: { amount_microcredits: 40_500 } };
    expect({ status, body }).toMatchObject({ status: 200, body: shown });
    expect(await keep(body['id'])).toMatchObject([{ roles: ['first_frame', 'last_frame'] }]);
    // The simulator refuses a list that is not as servers have it.
    await expect
      .poll(async () => read(`/v1/videos/${String(body['id'])}`), { timeout: 20_000 })
      .toMatchObject({ status: 'completed' });
    expect(await keep(body['id'])).toEqual([{ roles: ['first_frame', 'last_frame'], bytes: 0 }]);
  });

  it('is asked for the same video only with the same images, in JSON and in a form', async () => {
    const key = { 'idempotency-key': 'with images' };
    const first = await create({ model: 'i2v', frame_images: frames }, '', key);
    expect(first.status).toBe(200);
    expect(await createByForm({ model: 'i2v', frame_images: JSON.stringify(frames) }, key)).toEqual(first);
    const [one] = frames;
    const other = Buffer.concat([PNG, Buffer.from('x')]).toString('base64');
    const changed = [{ ...image('first_frame'), image_url: { url: `data:image/png;base64,${other}` } }, frames[1]];
    for (const others of [[one], changed]) {
      expect((await create({ model: 'i2v', frame_images: others }, '', key)).status).toBe(422);
    }
    expect((await create({ model: 'i2v' }, '', key)).status).toBe(422);
  });

  it.each<[what: string, body: Record<string, unknown>, param: string]>([
    ['of a model without them', { model: 'wan', input_references: [image()] }, 'input_references'],
    ['more than are sold', { model: 'i2v', input_references: [image(), image()] }, 'input_references'],
    ['an option in the prompt', { model: 'i2v', prompt: 'a fox --rs 1080p' }, 'prompt'],
    ['a number in their place', { model: 'i2v', frame_images: 1 }, 'frame_images'],
    [
      'an address',
      { model: 'i2v', input_references: [{ image_url: { url: 'http://127.0.0.1/' } }] },
      'input_references.0.image_url.url',
    ],
  ])('is not sold with %s: 400 with its name, by a dry run and by a create', async (_what, body, param) => {
    for (const query of ['', '?dry_run=true']) {
      expect(await create(body, query)).toMatchObject({
        status: 400,
        body: { error: { code: 'invalid_request', param } },
      });
    }
  });
});

describe('an idempotency key', () => {
  it('is for one set of parameters, whether they come as JSON or as a form', async () => {
    const key = { 'idempotency-key': 'with parameters' };
    const first = await create({ seed: 7, generate_audio: true }, '', key);
    expect(first.status).toBe(200);
    expect(await createByForm({ seed: '7', generate_audio: 'true' }, key)).toEqual(first);
    expect((await create({ seed: 8, generate_audio: true }, '', key)).status).toBe(422);
    expect((await create({}, '', key)).status).toBe(422);
  });
});

describe('a model whose provider is not configured', () => {
  it('is neither listed nor sold: 503, and nothing was held', async () => {
    const price = { ...PRICE, model: 'elsewhere' };
    await adminPost(stack, '/prices', price, { 'idempotency-key': 'elsewhere' });
    expect((await setOffer({ model: 'elsewhere', provider: 'vllm' }, 'elsewhere offer')).status).toBe(200);
    for (const query of ['', '?dry_run=true']) {
      const { status, body } = await create({ model: 'elsewhere' }, query);
      expect(status).toBe(503);
      const { error } = body as { error: { code: string; message: string } };
      expect(error.code).toBe('temporarily_unavailable');
      expect(error.message).toContain('Nothing was held.');
    }
    expect(JSON.stringify([await read('/v1/models'), await read('/v1/prices')])).not.toContain('elsewhere');
  });
});

describe('an operator', () => {
  it('sets an offer once a key, and reads every version', async () => {
    const offer = { ...WAN, model: 'versions', charge_rule: 'as_made' };
    await adminPost(stack, '/prices', { ...PRICE, model: 'versions' }, { 'idempotency-key': 'versions' });
    const first = await setOffer(offer, 'a version');
    expect(first.status).toBe(200);
    const again = await setOffer(offer, 'a version');
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await again.json()).toEqual(await first.json());
    expect((await setOffer({ ...offer, charge_rule: 'as_sold' }, 'a version')).status).toBe(422);
    expect((await setOffer({ ...offer, effective_from: 1 }, 'a past version')).status).toBe(409);
    const listed = await fetch(`${stack.url}/admin/offers?model=versions&limit=1`, {
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
    });
    const { data, has_more: hasMore } = (await listed.json()) as { data: object[]; has_more: boolean };
    expect(data).toMatchObject([{ object: 'offer_version', lengths: [4, 5, 6, 7, 8], charge_rule: 'as_made' }]);
    expect(hasMore).toBe(true);
  });

  it.each<[what: string, change: object, said: string]>([
    ['a reserved name', { parameters: [{ name: 'n', type: 'integer', min: 1, max: 9 }] }, 'must be another name'],
    [
      'a reserved name at the provider',
      { parameters: [{ name: 'takes', sent_as: 'num_outputs_per_prompt', type: 'integer', min: 1, max: 9 }] },
      'must be another name',
    ],
    ['an empty range', { lengths: { min: 9, max: 8 } }, 'must not be an empty range'],
    ['a length of a minute and a second', { lengths: [61] }, 'lengths'],
    ['a negative price', { parameters: [{ ...SEED, price: { amount_microcredits: -1 } }] }, 'price'],
    ['an unknown field', { colour: 'red' }, 'is not a known field'],
  ])('is told what is wrong with %s', async (_what, change, said) => {
    const answer = await setOffer({ ...WAN, ...change }, 'never set');
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as { error: { message: string } }).error.message).toContain(said);
  });
});
