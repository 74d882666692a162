import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatCredits } from '../../contracts/money.ts';
import { readPriceFile, type PriceFile } from '../../pricebook/file.ts';
import { applyFile, tryFile } from '../../pricebook/plan.ts';
import type { TestDatabase } from '../harness/support/database.ts';
import { createTestDatabase } from '../harness/support/database.ts';

/** The price book by one reviewed file. */

let db: TestDatabase;
let example: string;
beforeAll(async () => {
  db = await createTestDatabase();
  example = await readFile(new URL('../../docs/examples/prices.yaml', import.meta.url), 'utf8');
});
afterAll(async () => {
  await db.drop();
});

function fileOf(text: string): PriceFile {
  const read = readPriceFile(text);
  if ('faults' in read) throw new Error(read.faults.join('\n'));
  return read;
}

const linesOf = async (text: string, prune = false) =>
  (await tryFile(db.database, fileOf(text), prune)).map(({ what, line }) => `${what} ${line}`);
const apply = async (text: string, prune = false) => applyFile(db.database, fileOf(text), prune);
const versions = async () =>
  (
    await db.admin.query(
      'SELECT (SELECT count(*) FROM prices) + (SELECT count(*) FROM offers) + (SELECT count(*) FROM text_prices) AS n',
    )
  ).rows;
const quote = (model: string, parameters: Record<string, unknown> = {}, seconds: number | null = null) =>
  db.ledger.quoteVideo({ accountId: 'acct', model, seconds, size: null, prompt: 'a fox', parameters });

describe('the file', () => {
  it('of the documents is applied, once; what it says is sold', async () => {
    const before = await versions();
    const planned = await linesOf(example);
    expect(planned).toContain('added wan-2.2 832x480: 3 s cost 0.060000 credits');
    expect(planned).toContain('added wan-2.2: is sold');
    // With what the default of generate_audio costs.
    expect(planned).toContain('added veo-3.1 720p: 4 s cost 2.285718 credits');
    expect(planned.filter((line) => line.includes('sora-2:'))).toEqual([]);
    // A plan changes nothing.
    expect(await versions()).toEqual(before);
    await apply(example);
    expect(await quote('wan-2.2', { fps: 24 }, 5)).toMatchObject({ outcome: 'priced', amountMicrocredits: 150_000 });
    // 6 s × (0.285715 + 0.285715), the cheaper size, which comes first by its name.
    expect(await quote('veo-3.1', {}, 6)).toMatchObject({ outcome: 'priced', amountMicrocredits: 3_428_576 });
    for (const { model, size, seconds, amountMicrocredits } of await db.ledger.listPrices()) {
      const line = `added ${model} ${size}: ${seconds} s cost `;
      const told = planned.filter((each) => each.startsWith(line));
      expect(told).toEqual(told.map(() => `${line}${formatCredits(amountMicrocredits)} credits`));
    }
    expect(await quote('seedance-1.0-pro', { frame_images: 2 }, 5)).toMatchObject({ outcome: 'priced' });
    const after = await versions();
    expect(await linesOf(example)).toEqual([]);
    await apply(example);
    expect(await versions()).toEqual(after);
  });

  it('says the old and the new price of a video, and what differs in an offer', async () => {
    await apply(example);
    const changed = example
      .replace('{ cost_per_second_microcredits: 10000,', '{ cost_per_second_microcredits: 20000,')
      .replace('lengths: [3, 5]', 'lengths: [3, 5, 10]');
    expect(await linesOf(changed)).toEqual([
      'changed wan-2.2 832x480: 3 s cost 0.060000 -> 0.120000 credits',
      'changed wan-2.2: lengths [3,5] -> [3,5,10]',
    ]);
    expect(await linesOf(example.replace('285715', '300000'))).toEqual([
      'changed veo-3.1: parameters generate_audio, 1080p: 4 s cost 2.285718 -> 2.342858 credits, 720p: 4 s cost 2.285718 -> 2.342858 credits',
    ]);
    await apply(changed);
    expect(await quote('wan-2.2', {}, 10)).toMatchObject({ outcome: 'priced' });
    // Back again: an earlier file is applied anew.
    await apply(example);
    expect(await quote('wan-2.2', {}, 10)).toMatchObject({ outcome: 'refused' });
  });

  it('keeps the models that it leaves out and tells of them; with --prune it withdraws them, videos and texts alike', async () => {
    await apply(example);
    const shorter = example.replace(/ {2}- model: sora-2-pro\n(.|\n)*?(?=\n {2}#)/, '').replace(/\ntexts:(.|\n)*/, '');
    const isSold = async () => [
      (await quote('sora-2-pro')).outcome === 'priced',
      (await db.ledger.listTextPrices()).some(({ model }) => model === 'gpt-4.1-mini'),
      (await db.ledger.listModels()).some(({ id }) => id === 'gpt-4.1-mini'),
    ];
    const told = 'is still sold, though it is not in the file; --prune withdraws it';
    expect(await linesOf(shorter)).toEqual([`kept sora-2-pro: ${told}`, `kept text model gpt-4.1-mini: ${told}`]);
    await apply(shorter);
    expect(await isSold()).toEqual([true, true, true]);

    const gone = 'is sold no more, for it is not in the file';
    expect(await linesOf(shorter, true)).toEqual([
      `withdrawn sora-2-pro: ${gone}`,
      `withdrawn text model gpt-4.1-mini: ${gone}`,
    ]);
    await apply(shorter, true);
    expect(await isSold()).toEqual([false, false, false]);
    expect(await linesOf(shorter, true)).toEqual([]);
    // Back again: an earlier file is applied anew.
    await apply(example);
    expect(await isSold()).toEqual([true, true, true]);
    expect(await linesOf(example, true)).toEqual([]);
  });

  it('withdraws the models that it says are not for sale, and undoes no withdrawal of an admin', async () => {
    await apply(example);
    const isSold = async () => [
      (await quote('seedance-1.0-pro')).outcome === 'priced',
      (await db.ledger.listTextPrices()).some(({ model }) => model === 'gpt-4.1-mini'),
    ];
    const off = example.replace(/- model: (seedance-1.0-pro|gpt-4.1-mini)\n/g, '$&    for_sale: false\n');
    const said = 'is not sold, as the file says';
    expect(await linesOf(off)).toEqual([
      `withdrawn seedance-1.0-pro: ${said}`,
      `withdrawn text model gpt-4.1-mini: ${said}`,
    ]);
    await apply(off);
    expect(await isSold()).toEqual([false, false]);
    expect(await linesOf(off, true)).toEqual([]);

    // By the admin API: an offer of no more than its model and that it is not for sale.
    await apply(example);
    const order = {
      model: 'seedance-1.0-pro',
      terms: { for_sale: false },
      effectiveFrom: null,
      idempotencyKey: 'admin',
    };
    await db.ledger.setOffer(order);
    const without = example.replace(/ {2}- model: seedance-1.0-pro\n(.|\n)*?(?=\ntexts:)/, '');
    for (const file of [off, without]) {
      await apply(file);
      expect((await isSold())[0]).toBe(false);
    }
    await apply(example);
    expect(await isSold()).toEqual([true, true]);
  });

  it('that the database refuses in one place is refused by the plan too, and changes nothing in any', async () => {
    const before = await versions();
    const dear = example
      .replace('gemini/veo', 'gemini/other')
      .replace('lengths: [3, 5]', 'lengths: [60]')
      .replace('factor_basis_points: 15000', 'factor_basis_points: 1000000')
      .replace('{ cost_per_second_microcredits: 10000,', '{ cost_per_second_microcredits: 1000000000000,');
    await expect(linesOf(dear)).rejects.toMatchObject({ code: 'constraint' });
    await expect(apply(dear)).rejects.toMatchObject({ code: 'constraint' });
    expect(await versions()).toEqual(before);
  });

  it('has every fault of it told, with its place', () => {
    const faulty = `
videos:
  - model: wan
    lengths: { min: 9, max: 3 }
    colour: red
    sizes:
      large: { cost_per_second_microcredits: 1, margin_basis_points: 0 }
    parameters:
      - { name: num_frames, type: integer, min: 1, max: 9 }
      - { name: fps, type: enum, values: [24], price: { 25: { amount_microcredits: 1 } } }
  - model: wan
    sizes:
      720p: { cost_per_second_microcredits: 0, margin_basis_points: 10000 }
`;
    const read = readPriceFile(faulty);
    const faults = 'faults' in read ? read.faults : [];
    for (const place of [
      'videos.0.lengths: must not be an empty range',
      'videos.0.colour: is not known',
      'videos.0.sizes.large',
      'videos.0.parameters.0.name: must be another name: this one is a field of every request',
      'videos.0.parameters.1.price: must only name values, and 25 is none',
      'videos.1.sizes.720p.cost_per_second_microcredits',
      'videos.1.sizes.720p.margin_basis_points',
    ]) {
      expect(
        faults.some((fault) => fault.startsWith(place)),
        `${place} in ${faults.join('\n')}`,
      ).toBe(true);
    }
    expect(readPriceFile('videos: [')).toMatchObject({ faults: [expect.stringContaining('line 1')] });
    const twice = `videos:\n  - &a { model: a, sizes: { 720p: { cost_per_second_microcredits: 1, margin_basis_points: 0 } } }\n  - *a\n`;
    expect(readPriceFile(twice)).toEqual({ faults: ['videos.1.model: must be there once'] });
    const alike = twice.replace(/- \*a\n/, '').replace(
      'model: a,',
      `$& parameters: [
      { name: mood, type: integer, min: 1, max: 9 },
      { name: mood, type: string, max_length: 9 },
      { name: tone, type: string, max_length: 9, sent_as: Mood }],`,
    );
    expect(readPriceFile(alike)).toEqual({
      faults: [
        'videos.0.parameters.1.name: must not be the name of another parameter',
        'videos.0.parameters.2.sent_as: must not be what another parameter is sent as',
      ],
    });
    expect(readPriceFile(alike.replace('max: 9 }', 'max: 9, default: 10 }'))).toMatchObject({
      faults: expect.arrayContaining(['videos.0.parameters.0.default: must be from min to max']) as unknown,
    });
  });
});
