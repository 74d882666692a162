import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { textId } from '../../contracts/ids.ts';
import type { OfferedParameter } from '../../contracts/offers.ts';
import type { AskedVideo, OfferTerms } from '../../ledger/index.ts';
import { isReserved } from '../../pricebook/terms.ts';
import type { TestDatabase, Tenant } from '../harness/support/database.ts';
import { createTestDatabase, openTenant } from '../harness/support/database.ts';
import { offerSteps } from '../harness/support/offerSteps.ts';

/** What is sold of a model, and what a request for it costs (MR-72, MR-93). */

let db: TestDatabase;
let tenant: Tenant;
beforeAll(async () => {
  db = await createTestDatabase();
  tenant = await openTenant(db, 1_000_000_000);
});
afterAll(async () => {
  await db.drop();
});
afterEach(async () => {
  expect((await db.pool.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
});

const { setPrice, setOffer, sold, quote, admit } = offerSteps(() => ({ db, tenant }));
const refused = (param: string, fault: string) => ({ outcome: 'refused', refused: { param, fault } });

/** What a dry run says and what an admission says are the same. */
async function bothSay(model: string, changes: Partial<AskedVideo>, said: { outcome: string; refused?: object }) {
  expect(await quote(model, changes)).toMatchObject(said);
  const { outcome, refused: answer } = said;
  expect(await admit(model, changes)).toMatchObject(answer === undefined ? { outcome } : { outcome, answer });
}

const PROVIDERS = [{ identity: 'openai@http://provider' }, { identity: 'vllm@http://provider' }] as const;
const SEED: OfferedParameter = { name: 'seed', type: 'integer', min: 0, max: 99 };
const NEGATIVE: OfferedParameter = { name: 'negative_prompt', type: 'string', max_length: 10 };

describe('what is sold of a model', () => {
  it('is 4, 8, 12, 16 and 20 seconds without parameters where nothing but a price was set', async () => {
    const model = `model ${randomUUID()}`;
    await setPrice(model);
    expect((await db.ledger.listOffers()).find((offer) => offer.model === model)).toEqual({
      ...{ model, lengths: [4, 8, 12, 16, 20], sizes: ['720x1280'], parameters: [] },
    });
    expect(await quote(model)).toMatchObject({ outcome: 'priced', amountMicrocredits: 4000 });
    await bothSay(model, { seconds: 5 }, refused('seconds', 'no_value'));
    await bothSay(model, { parameters: { seed: 1 } }, refused('seed', 'unknown'));
  });

  it('is its own lengths: without one the shortest is meant', async () => {
    const model = await sold({ lengths: [5, 10] });
    expect(await quote(model)).toMatchObject({ outcome: 'priced', amountMicrocredits: 5000 });
    expect(await quote(model, { seconds: 10 })).toMatchObject({ outcome: 'priced', amountMicrocredits: 10_000 });
    await bothSay(model, { seconds: 4 }, refused('seconds', 'no_value'));
  });

  it('is those of its sizes that the offer names: without one the cheapest is meant', async () => {
    const model = `model ${randomUUID()}`;
    await setPrice(model, { cost: 3000 }, '1080p');
    await setPrice(model, { cost: 2000 }, '720p');
    await setPrice(model, { cost: 1000 }, '480p');
    await setOffer(model, { sizes: ['720p', '1080p'] });
    expect(await quote(model)).toMatchObject({ outcome: 'priced', amountMicrocredits: 8000 });
    await bothSay(model, { size: '480p' }, { outcome: 'unknown_size' });
    const sizes = (await db.ledger.listPrices()).filter((price) => price.model === model).map(({ size }) => size);
    expect([...new Set(sizes)].toSorted()).toEqual(['1080p', '720p']);
  });

  it('is nothing once it is withdrawn', async () => {
    const model = await sold({});
    await setOffer(model, { for_sale: false });
    await bothSay(model, {}, { outcome: 'unknown_model' });
    expect((await db.ledger.listPrices()).filter((price) => price.model === model)).toEqual([]);
    expect((await db.ledger.listModels()).filter(({ id }) => id === model)).toEqual([]);
    expect((await db.ledger.listOffers()).filter((offer) => offer.model === model)).toEqual([]);
  });

  it('is nothing while its provider is not configured', async () => {
    const model = await sold({ provider: 'vllm' });
    const elsewhere = ['openai', 'litellm'];
    await bothSay(model, { providers: elsewhere }, { outcome: 'no_provider' });
    expect((await db.ledger.listPrices(elsewhere)).filter((price) => price.model === model)).toEqual([]);
    expect((await db.ledger.listModels(elsewhere)).filter(({ id }) => id === model)).toEqual([]);
    expect((await db.ledger.listOffers(elsewhere)).filter((offer) => offer.model === model)).toEqual([]);
    expect(await quote(model, { providers: ['vllm'] })).toMatchObject({ outcome: 'priced' });
    expect(await admit(model, { providers: ['vllm'] })).toMatchObject({ outcome: 'admitted' });
  });

  it('is from its time on, and once a key', async () => {
    const model = await sold({ lengths: [5] });
    const later = { model, terms: { lengths: [7] }, effectiveFrom: new Date(Date.now() + 3_600_000) };
    const first = await db.ledger.setOffer({ ...later, idempotencyKey: model });
    expect(first).toMatchObject({ outcome: 'set', replayed: false });
    expect(await db.ledger.setOffer({ ...later, idempotencyKey: model })).toEqual({ ...first, replayed: true });
    const other = { ...later, terms: { lengths: [8] } };
    expect(await db.ledger.setOffer({ ...other, idempotencyKey: model })).toEqual({ outcome: 'key_reused' });
    expect(await db.ledger.setOffer({ ...other, idempotencyKey: randomUUID() })).toEqual({ outcome: 'already_set' });
    const past = { ...later, effectiveFrom: new Date(Date.now() - 60_000), idempotencyKey: randomUUID() };
    expect(await db.ledger.setOffer(past)).toEqual({ outcome: 'in_the_past' });
    expect(await quote(model)).toMatchObject({ outcome: 'priced', amountMicrocredits: 5000 });
    const versions = await db.ledger.listOfferVersions(model, { limit: 10, order: 'desc', after: null });
    expect(versions.items.map(({ lengths }) => lengths)).toEqual([[7], [5], [4, 8, 12, 16, 20]]);
  });
});

describe('a parameter', () => {
  const parameters: OfferedParameter[] = [
    SEED,
    { name: 'guidance_scale', type: 'number', min: 1, max: 10, step: 0.5 },
    NEGATIVE,
    { name: 'generate_audio', type: 'boolean', default: false },
    { name: 'fps', type: 'enum', values: [24, 30], default: 24 },
  ];

  it.each<[what: string, given: Record<string, unknown>, param: string, fault: string]>([
    ['below its least value', { seed: -1 }, 'seed', 'too_small'],
    ['above its greatest value', { seed: 100 }, 'seed', 'too_large'],
    ['a fraction', { seed: 1.5 }, 'seed', 'no_integer'],
    ['no number', { seed: 'one' }, 'seed', 'no_integer'],
    ['true for a number', { seed: true }, 'seed', 'no_integer'],
    ['beside its steps', { guidance_scale: 1.2 }, 'guidance_scale', 'no_step'],
    ['a list', { guidance_scale: {} }, 'guidance_scale', 'no_number'],
    ['too long', { negative_prompt: 'x'.repeat(11) }, 'negative_prompt', 'too_long'],
    ['no text', { negative_prompt: 1 }, 'negative_prompt', 'no_string'],
    ['neither true nor false', { generate_audio: 'yes' }, 'generate_audio', 'no_boolean'],
    ['none of its values', { fps: 25 }, 'fps', 'no_value'],
    ['not sold', { seed: 1, lora_path: '/etc/passwd' }, 'lora_path', 'unknown'],
  ])('that is %s is refused by its name', async (_what, given, param, fault) => {
    const model = await sold({ parameters });
    await bothSay(model, { parameters: given }, refused(param, fault));
  });

  it('is kept typed, whether it came as JSON or as text, with the defaults of the others', async () => {
    const model = await sold({ parameters });
    for (const given of [
      { seed: 7, guidance_scale: 2.5, generate_audio: true, fps: 30 },
      { seed: '7', guidance_scale: '2.50', generate_audio: 'true', fps: '30' },
    ]) {
      const admitted = await admit(model, { parameters: given });
      if (admitted.outcome !== 'admitted') throw new Error(admitted.outcome);
      const { rows } = await db.admin.query('SELECT parameters FROM inputs WHERE generation_id = $1', [
        admitted.generationId,
      ]);
      expect(rows).toEqual([{ parameters: { seed: 7, guidance_scale: 2.5, generate_audio: true, fps: 30 } }]);
    }
    const plain = await admit(model);
    if (plain.outcome !== 'admitted') throw new Error(plain.outcome);
    const { rows } = await db.admin.query('SELECT parameters FROM inputs WHERE generation_id = $1', [
      plain.generationId,
    ]);
    expect(rows).toEqual([{ parameters: { generate_audio: false, fps: 24 } }]);
  });

  // MR-79
  it('is refused in the prompt, and in other text, where the model would read it there', async () => {
    const model = await sold({ parameters, prompt_flags: 'refuse' });
    await bothSay(model, { prompt: 'a fox --rs 1080p' }, refused('prompt', 'flags'));
    await bothSay(model, { parameters: { negative_prompt: '--rs 4k' } }, refused('negative_prompt', 'flags'));
    expect(await quote(model, { prompt: 'snow -- and a fox' })).toMatchObject({ outcome: 'priced' });
    const lenient = await sold({ parameters });
    expect(await quote(lenient, { prompt: 'a fox --rs 1080p' })).toMatchObject({ outcome: 'priced' });
  });

  // MR-79
  it.each(['--1080p', 'a --１080p', 'a --_rs 1', 'a --"rs" 1080p', 'a\n—rs 1080p', 'a ——rs 1080p', 'a fox--rs 1080p'])(
    'is refused in a text that says %j, whatever it begins with',
    async (text) => {
      const model = await sold({ parameters: [{ ...NEGATIVE, max_length: 100 }], prompt_flags: 'refuse' });
      await bothSay(model, { prompt: text }, refused('prompt', 'flags'));
      await bothSay(model, { parameters: { negative_prompt: text } }, refused('negative_prompt', 'flags'));
    },
  );

  it.each(['snow --- and a fox', 'snow — and a fox', 'snow—and a fox', '1990--2000', 'a well-known fox'])(
    'is none in %j',
    async (prompt) => {
      const model = await sold({ prompt_flags: 'refuse' });
      expect(await quote(model, { prompt })).toMatchObject({ outcome: 'priced' });
    },
  );

  // MR-96
  it('is erased with the prompt', async () => {
    const model = await sold({ parameters });
    const admitted = await admit(model, { parameters: { negative_prompt: 'my secret' } });
    if (admitted.outcome !== 'admitted') throw new Error(admitted.outcome);
    await db.ledger.voidGeneration(admitted.generationId);
    const { rows } = await db.admin.query('SELECT FROM inputs WHERE generation_id = $1', [admitted.generationId]);
    expect(rows).toEqual([]);
  });
});

describe('an offer is refused', () => {
  const named = (name: string, sent_as?: string): OfferTerms => ({ parameters: [{ ...SEED, name, sent_as }] });
  const RESERVED = [
    ...['n', 'num_frames', 'numFrames', 'output_path', 'video_path', 'lora', 'lora_path', 'loraScale', 'model'],
    ...[
      'prompt',
      'seconds',
      'duration',
      'size',
      'width',
      'user',
      'metadata',
      'num_outputs_per_prompt',
      'extra_body',
      'batch_size',
    ],
    ...['input_reference', 'image_url', 'webhook_url', 'max_credits', 'dry_run', 'file_id'],
    // Each would make more, longer or larger, or choose where it is kept or who is billed.
    ...['sample_count', 'number_of_videos', 'video_count', 'n_variants', 'variants', 'quantity', 'batch', 'n_frames'],
    ...['nb_frames', 'totalFrames', 'duration_seconds', 'video_length', 'num_seconds', 'num_generations', 'outputs'],
    ...['upscale', 'enable_upscaling', 'api_key', 'api_base', 'custom_llm_provider', 'save_path_template', 'bucket'],
    ...['output_path_prefix', 'notify_hook'],
  ];
  const COMMON = [
    ...[
      'seed',
      'negative_prompt',
      'fps',
      'frame_rate',
      'frames_per_second',
      'guidance_scale',
      'generate_audio',
      'sound',
    ],
    ...['aspect_ratio', 'aspectRatio', 'num_inference_steps', 'motion_strength', 'focal_length', 'style', 'quality'],
    ...['camera_motion', 'shot_direction', 'watermark', 'normalize', 'noise_seed', 'prompt_extend', 'flow_shift'],
  ];

  it.each(COMMON)('by no name like %s', async (name) => {
    await expect(sold(named('harmless', name))).resolves.toBeTypeOf('string');
    expect(isReserved(name)).toBe(false);
  });

  it.each(RESERVED)('that would send %s', async (name) => {
    await expect(sold(named('harmless', name))).rejects.toMatchObject({ code: 'constraint' });
    expect(isReserved(name)).toBe(true);
    if (!/[A-Z]/.test(name)) await expect(sold(named(name, 'harmless'))).rejects.toMatchObject({ code: 'constraint' });
  });

  it.each<[why: string, terms: object]>([
    ['without a range', { parameters: [{ name: 'seed', type: 'integer' }] }],
    ['with an unknown type', { parameters: [{ name: 'seed', type: 'list' }] }],
    ['with an unknown field of a parameter', { parameters: [{ ...SEED, unit: 's' }] }],
    ['with a default that is out of range', { parameters: [{ ...SEED, default: 100 }] }],
    ['with one name twice', { parameters: [SEED, SEED] }],
    ['with a name that is none', { parameters: [{ ...SEED, sent_as: 'a b' }] }],
    ['with one of a list without the list', { parameters: [{ name: 'a', type: 'enum' }] }],
    ['with one value twice', { parameters: [{ name: 'a', type: 'enum', values: [1, '1'] }] }],
    ['with a text of any length', { parameters: [{ name: 'a', type: 'string' }] }],
    ['with one name twice, sent as two', { parameters: [SEED, { ...SEED, sent_as: 'other' }] }],
    ['with two that are sent as one', { parameters: [SEED, { ...SEED, name: 'other', sent_as: 'SEED' }] }],
    ['with 33 parameters', { parameters: Array.from({ length: 33 }, (_, n) => ({ ...SEED, name: `p${n}` })) }],
    [
      'with a price for a value that is none',
      { parameters: [{ name: 'a', type: 'boolean', default: false, price: { yes: {} } }] },
    ],
    [
      'with a price of a boolean that need not be sent',
      { parameters: [{ name: 'a', type: 'boolean', price: { true: { amount_microcredits: 1 } } }] },
    ],
    [
      'with a price of a value that need not be sent',
      { parameters: [{ name: 'a', type: 'enum', values: [1, 2], price: { 2: { amount_microcredits: 1 } } }] },
    ],
    [
      'with two effects at once',
      { parameters: [{ ...SEED, price: { amount_microcredits: 1, factor_basis_points: 2 } }] },
    ],
    ['with a factor of 0', { parameters: [{ ...SEED, price: { factor_basis_points: 0 } }] }],
    ['with a negative amount', { parameters: [{ ...SEED, price: { amount_microcredits: -1 } }] }],
    ['with a negative amount by second', { parameters: [{ ...SEED, price: { per_second_microcredits: -1 } }] }],
    ['with half a microcredit', { parameters: [{ ...SEED, price: { amount_microcredits: 0.5 } }] }],
    [
      'that refuses flags, with a flag in a default',
      { prompt_flags: 'refuse', parameters: [{ name: 'a', type: 'string', max_length: 9, default: '--rs 4k' }] },
    ],
    ['with no lengths', { lengths: [] }],
    ['with a length of 61 s', { lengths: [61] }],
    ['with lengths out of order', { lengths: [8, 4] }],
    ['with a provider that is no name', { provider: 'https://host' }],
  ])('%s', async (_why, terms) => {
    await expect(sold(terms)).rejects.toMatchObject({ code: 'constraint' });
  });

  it('when its longest video with its largest effects would cost more than 2^53 − 1, whichever is set last', async () => {
    const dear: OfferTerms = {
      lengths: [60],
      parameters: [1, 2, 3].map((n) => ({ ...SEED, name: `p${n}`, price: { factor_basis_points: 1_000_000 } })),
    };
    // 60 s × 150,119,987 × 100³
    await expect(sold(dear, { cost: 150_119_988 })).rejects.toMatchObject({ code: 'constraint' });
    const model = await sold(dear, { cost: 150_119_987 });
    await expect(setPrice(model, { cost: 150_119_988 })).rejects.toMatchObject({ code: 'constraint' });
    const quoted = await quote(model, { parameters: { p1: 1, p2: 1, p3: 1 } });
    expect(quoted).toMatchObject({ outcome: 'priced', amountMicrocredits: 60 * 150_119_987 * 1_000_000 });
  });
});

describe('a text', () => {
  it('is sent to the provider that its price names, under the model’s name there; nobody else is asked', async () => {
    const of = await openTenant(db, 1_000_000);
    const model = `a text model ${randomUUID()}`;
    await db.ledger.setTextPrice({
      ...{ model, inputCostMicrocredits: 1, outputCostMicrocredits: 1, marginBasisPoints: 0, effectiveFrom: null },
      ...{ idempotencyKey: model, provider: 'vllm', providerModel: 'qwen' },
    });
    const asked = {
      ...{
        ...of,
        generationId: textId('script', randomUUID()),
        model,
        request: {},
        inputBoundTokens: 9,
        maxOutputTokens: 9,
      },
      ...{ admitWithinMs: 60_000, fingerprint: Buffer.alloc(32), idempotencyKey: null },
    };
    expect(await db.ledger.admitText({ ...asked, providers: ['openai'] })).toEqual({ outcome: 'no_provider' });
    expect(await db.ledger.getTextPrice({ ...asked, providers: ['openai'] })).toMatchObject({ isAvailable: false });
    expect((await db.ledger.listModels(['openai'])).map(({ id }) => id)).not.toContain(model);
    expect(await db.ledger.admitText({ ...asked, providers: ['vllm'] })).toMatchObject({ outcome: 'admitted' });
    await db.ledger.placeHold(asked.generationId, 3600);
    expect(await db.ledger.beginText(asked.generationId, [PROVIDERS[0]], 0)).toEqual({ outcome: 'no_provider' });
    const there = { identity: 'vllm@http://gpu' };
    const begun = await db.ledger.beginText(asked.generationId, [PROVIDERS[0], there], 0);
    expect(begun).toMatchObject({ outcome: 'begun', provider: there.identity, model: 'qwen' });
  });
});

describe('a generation keeps what it was sold by (MR-47)', () => {
  it('its offer and its provider’s name, whatever is sold later', async () => {
    const model = await sold({ provider: 'vllm', provider_model: 'wan2.2', parameters: [{ ...SEED, sent_as: 'rng' }] });
    const of = await openTenant(db, 1_000_000);
    const admitted = await admit(model, { parameters: { seed: 7 } }, of);
    if (admitted.outcome !== 'admitted') throw new Error(admitted.outcome);
    await setOffer(model, { provider: 'other', provider_model: 'wan9' });
    await db.ledger.placeHold(admitted.generationId, 3600);
    const begun = await db.ledger.beginAttempt(admitted.generationId, PROVIDERS);
    expect(begun).toMatchObject({
      outcome: 'begun',
      provider: 'vllm@http://provider',
      request: { model: 'wan2.2', parameters: { rng: 7 } },
    });
    expect(await db.ledger.getOpenAttempt(admitted.generationId)).toMatchObject({ model: 'wan2.2' });
    const { rows } = await db.admin.query('SELECT model, provider_name FROM generations WHERE id = $1', [
      admitted.generationId,
    ]);
    expect(rows).toEqual([{ model, provider_name: 'vllm' }]);
    for (const column of ['offer_id = 1', "price_effects = '[1]'", "provider_name = 'other'"]) {
      const change = db.admin.query(`UPDATE generations SET ${column} WHERE id = $1`, [admitted.generationId]);
      await expect(change).rejects.toMatchObject({ code: 'HF004' });
    }
  });

  // MR-33
  it('two equal prompts with different parameters are no twins: neither adopts the other’s video', async () => {
    const model = await sold({ parameters: [SEED] });
    const ids: string[] = [];
    const of = await openTenant(db, 1_000_000);
    for (const seed of [1, 2]) {
      const admitted = await admit(model, { parameters: { seed } }, of);
      if (admitted.outcome !== 'admitted') throw new Error(admitted.outcome);
      await db.ledger.placeHold(admitted.generationId, 3600);
      await db.ledger.beginAttempt(admitted.generationId, PROVIDERS);
      ids.push(admitted.generationId);
    }
    const videos = [1, 2].map((n) => ({ id: `${randomUUID()} ${n}`.replace(' ', '-'), createdAt: null }));
    expect(await db.ledger.adoptVideo(ids[0] ?? '', 1, { videos, exact: true })).toMatchObject({ outcome: 'rival' });
  });
});
