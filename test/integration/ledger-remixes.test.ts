import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OfferedParameter } from '../../contracts/offers.ts';
import type { AskedVideo, OfferTerms } from '../../ledger/index.ts';
import type { TestDatabase, Tenant } from '../harness/support/database.ts';
import { createTestDatabase, openTenant } from '../harness/support/database.ts';
import { offerSteps } from '../harness/support/offerSteps.ts';

/** What a remix is, and what it costs, after what is sold of its model has changed (MR-47, MR-89). */

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

const { setPrice, setOffer, sold, quote, admit } = offerSteps(() => ({ db, tenant }));
const refused = (param: string, fault: string) => ({ outcome: 'refused', refused: { param, fault } });

/** What a dry run says and what an admission says are the same. */
async function bothSay(
  model: string,
  changes: Partial<AskedVideo>,
  said: { outcome: string; refused?: object },
  by: Tenant,
) {
  expect(await quote(model, changes)).toMatchObject(said);
  const { outcome, refused: answer } = said;
  const admitted = await admit(model, changes, by);
  expect(admitted).toMatchObject(answer === undefined ? { outcome } : { outcome, answer });
}

const PROVIDERS = [{ identity: 'openai@http://provider' }, { identity: 'vllm@http://provider' }] as const;
const SEED: OfferedParameter = { name: 'seed', type: 'integer', min: 0, max: 99 };

describe('a remix', () => {
  const priced = (amount_microcredits: number): OfferedParameter => ({ ...SEED, price: { amount_microcredits } });
  let of: Tenant;

  /** A charged video of 5 s with a seed, and the request for its remix. */
  async function original(terms: OfferTerms = {}) {
    const model = await sold({ lengths: [5], parameters: [priced(500)], ...terms });
    of = await openTenant(db, 1_000_000);
    const id = await made(model, { seconds: 5, parameters: { seed: 7 } });
    return { model, remix: { accountId: of.accountId, remixOf: id, prompt: 'at night' } };
  }

  async function made(model: string, asked: Partial<AskedVideo>): Promise<string> {
    const admitted = await admit(model, asked, of);
    if (admitted.outcome !== 'admitted') throw new Error(admitted.outcome);
    await complete(admitted.generationId);
    return admitted.generationId;
  }

  it('is what its original is, at today’s prices, and so is a remix of it', async () => {
    const { model, remix } = await original();
    await setOffer(model, {
      lengths: [4, 5],
      parameters: [priced(900), { ...SEED, name: 'other', default: 1, price: { amount_microcredits: 1 } }],
    });
    await setPrice(model, { cost: 2000 });
    expect(await quote(model, remix)).toMatchObject({ outcome: 'priced', amountMicrocredits: 10_900 });
    expect(await admit(model, remix, of)).toMatchObject({ outcome: 'admitted', amountMicrocredits: 10_900 });
    const again = await made(model, remix);
    await setOffer(model, { lengths: [5], parameters: [priced(1000)] });
    expect(await quote(model, { ...remix, remixOf: again })).toMatchObject({ amountMicrocredits: 11_000 });
    expect(await quote(model, { ...remix, accountId: tenant.accountId })).toEqual({ outcome: 'unknown_original' });
  });

  it.each<[what: string, terms: OfferTerms, said: { outcome: string; refused?: object }]>([
    ['length', { lengths: [9], parameters: [SEED] }, refused('seconds', 'no_value')],
    ['size', { lengths: [5], parameters: [SEED], sizes: ['480p'] }, { outcome: 'unknown_size' }],
    ['parameter', { lengths: [5] }, refused('seed', 'unknown')],
    ['value', { lengths: [5], parameters: [{ ...SEED, max: 6 }] }, refused('seed', 'too_large')],
    ['model', { for_sale: false }, { outcome: 'unknown_model' }],
  ])('is refused once the %s of its original is withdrawn', async (_what, terms, said) => {
    const { model, remix } = await original();
    await setOffer(model, terms);
    await bothSay(model, remix, said, of);
  });

  // MR-79
  it('is refused with options in its prompt once its model would read them there', async () => {
    const { model, remix } = await original();
    await setOffer(model, { lengths: [5], parameters: [SEED], prompt_flags: 'refuse' });
    await bothSay(model, { ...remix, prompt: 'at night --rs 1080p' }, refused('prompt', 'flags'), of);
    expect(await quote(model, remix)).toMatchObject({ outcome: 'priced' });
  });

  it('is asked of the provider and the model that made its original, whoever makes new videos', async () => {
    const { model, remix } = await original({ provider: 'vllm', provider_model: 'wan2.2' });
    await setOffer(model, { lengths: [5], parameters: [SEED], provider: 'openai', provider_model: 'wan9' });
    const again = await made(model, remix);
    const third = await admit(model, { ...remix, remixOf: again }, of);
    if (third.outcome !== 'admitted') throw new Error(third.outcome);
    await db.ledger.placeHold(third.generationId, 3600);
    expect(await db.ledger.beginAttempt(third.generationId, PROVIDERS)).toMatchObject({
      ...{ outcome: 'begun', provider: 'vllm@http://provider', request: { model: 'wan2.2' } },
    });
    expect(await db.ledger.getOpenAttempt(third.generationId)).toMatchObject({ model: 'wan2.2' });
  });
});

async function complete(id: string): Promise<void> {
  const video = `at_${id}`;
  await db.ledger.placeHold(id, 3600);
  await db.ledger.beginAttempt(id, PROVIDERS);
  await db.ledger.endAttempt(id, 1, { outcome: 'created', providerVideoId: video, providerCreatedAt: null });
  const seen = { verdict: 'completed', status: 'completed', progress: 100, completedAt: null } as const;
  await db.ledger.recordLook(id, video, { ...seen, errorCode: null, errorMessage: null });
  await db.ledger.settleGeneration(id, 'completed');
}
