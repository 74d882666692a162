import { createHash, randomUUID } from 'node:crypto';
import type { AskedVideo, OfferTerms } from '../../../ledger/index.ts';
import { admissionRequest, type Tenant, type TestDatabase } from './database.ts';

interface Priced {
  readonly cost?: number;
  readonly margin?: number;
}

/** What tests of offers do, on the database and as the tenant of a test file. */
export function offerSteps(of: () => { db: TestDatabase; tenant: Tenant }) {
  const setPrice = (model: string, { cost = 1000, margin = 0 }: Priced = {}, size = '720x1280') =>
    of().db.ledger.setPrice({
      ...{ model, size, costPerSecondMicrocredits: cost, marginBasisPoints: margin },
      ...{ effectiveFrom: null, idempotencyKey: randomUUID() },
    });
  const setOffer = (model: string, terms: OfferTerms) =>
    of().db.ledger.setOffer({ model, terms, effectiveFrom: null, idempotencyKey: randomUUID() });

  /** A new model with this offer, at 1000 microcredits a second. */
  async function sold(terms: OfferTerms, priced: Priced = {}): Promise<string> {
    const model = `model ${randomUUID()}`;
    await setPrice(model, priced);
    await setOffer(model, terms);
    return model;
  }

  const asked = (model: string, changes: Partial<AskedVideo> = {}): AskedVideo => ({
    ...{ accountId: of().tenant.accountId, model, seconds: null, size: null, prompt: 'a red fox' },
    ...changes,
  });
  const quote = (model: string, changes: Partial<AskedVideo> = {}) => of().db.ledger.quoteVideo(asked(model, changes));
  const admit = (model: string, changes: Partial<AskedVideo> = {}, by = of().tenant) =>
    of().db.ledger.admitGeneration(
      admissionRequest(by, { ...asked(model, changes), ...by, fingerprint: newFingerprint() }),
    );
  const newFingerprint = () => createHash('sha256').update(randomUUID()).digest();
  return { setPrice, setOffer, sold, asked, quote, admit };
}
