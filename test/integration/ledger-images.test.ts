import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OfferedParameter } from '../../contracts/offers.ts';
import type { InputImage } from '../../contracts/inputFile.ts';
import type { AskedVideo } from '../../ledger/index.ts';
import type { TestDatabase, Tenant } from '../harness/support/database.ts';
import { createTestDatabase, openTenant } from '../harness/support/database.ts';
import { offerSteps } from '../harness/support/offerSteps.ts';

/** Lists of images as parameters of an offer, whose values are their numbers (MR-72, MR-93). */

let db: TestDatabase;
let tenant: Tenant;
beforeAll(async () => {
  db = await createTestDatabase();
  tenant = await openTenant(db, 1_000_000);
});
afterAll(async () => {
  await db.drop();
});
afterEach(async () => {
  expect((await db.pool.query('SELECT * FROM ledger_drift')).rows).toEqual([]);
});

const { sold, quote, admit } = offerSteps(() => ({ db, tenant }));

const FRAMES: OfferedParameter = {
  ...{ name: 'frame_images', type: 'images', max_items: 2 },
  price: { amount_microcredits: 500 },
};
const SEED: OfferedParameter = { name: 'seed', type: 'integer', min: 0, max: 99 };
const frame = (role: InputImage['role']): InputImage => ({
  ...{ role, bytes: Uint8Array.of(1), contentType: 'image/png', filename: 'a.png' },
});

/** A held generation. */
async function held(model: string, asked: Partial<AskedVideo> & { images?: InputImage[] }): Promise<string> {
  const admitted = await admit(model, asked);
  if (admitted.outcome !== 'admitted') throw new Error(admitted.outcome);
  await db.ledger.placeHold(admitted.generationId, 3600);
  return admitted.generationId;
}

/** What its provider is sent besides the prompt. */
async function sent(id: string) {
  const begun = await db.ledger.beginAttempt(id, [{ identity: 'openai@http://provider' }]);
  if (begun.outcome !== 'begun') throw new Error(begun.outcome);
  const { parameters, images } = begun.request;
  return { parameters, roles: images.map(({ role }) => role) };
}

async function complete(id: string): Promise<void> {
  const video = `at_${id}`;
  await db.ledger.endAttempt(id, 1, { outcome: 'created', providerVideoId: video, providerCreatedAt: null });
  const seen = { verdict: 'completed', status: 'completed', progress: 100, completedAt: null } as const;
  await db.ledger.recordLook(id, video, { ...seen, errorCode: null, errorMessage: null });
  await db.ledger.settleGeneration(id, 'completed');
}

describe('a list of images', () => {
  it.each<[what: string, value: unknown]>([
    ['longer than is sold', 3],
    ['empty', 0],
    ['its number as text', '1'],
    ['no number', { length: 1 }],
  ])('that is %s is refused, and no credits are held', async (_what, value) => {
    const model = await sold({ parameters: [FRAMES] });
    const parameters = { frame_images: value };
    const refused = { param: 'frame_images', fault: 'too_many' };
    expect(await quote(model, { parameters })).toMatchObject({ outcome: 'refused', refused });
    expect(await admit(model, { parameters })).toMatchObject({ outcome: 'refused', answer: refused });
  });

  it('is priced once, and sent as itself: its number is no field of the request', async () => {
    const model = await sold({ parameters: [FRAMES, SEED] });
    const parameters = { frame_images: 2, seed: 7 };
    expect(await quote(model, { parameters })).toMatchObject({ outcome: 'priced', amountMicrocredits: 4500 });
    const id = await held(model, { parameters, images: [frame('first_frame'), frame('last_frame')] });
    expect(await sent(id)).toEqual({ parameters: { seed: 7 }, roles: ['first_frame', 'last_frame'] });
  });

  // MR-47
  it('stays with the video that was made from it: its remix is sent none and pays for none', async () => {
    const model = await sold({ parameters: [FRAMES, SEED] });
    const id = await held(model, { parameters: { frame_images: 1, seed: 7 }, images: [frame('first_frame')] });
    await sent(id);
    await complete(id);
    const remix = { remixOf: id, prompt: 'at night' };
    expect(await quote(model, remix)).toMatchObject({ outcome: 'priced', amountMicrocredits: 4000 });
    const again = await held(model, remix);
    expect(await sent(again)).toEqual({ parameters: { seed: 7 }, roles: [] });
  });

  it.each<[what: string, rule: object]>([
    ['another name', { ...FRAMES, name: 'pictures' }],
    ['another name at the provider', { ...FRAMES, sent_as: 'pictures' }],
    ['more frames than a first and a last', { ...FRAMES, max_items: 3 }],
    ['any number', { name: 'input_references', type: 'images' }],
    ['a default', { ...FRAMES, default: 1 }],
  ])('is not sold with %s', async (_what, rule) => {
    await expect(sold({ parameters: [rule as OfferedParameter] })).rejects.toMatchObject({ code: 'constraint' });
  });
});
